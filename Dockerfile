# redeemd in a container: built in one image, run in another that has nothing but Debian's C library
# and the program. See docs/OPERATIONS.md, "Docker".

FROM rust:1.95-bookworm AS build
WORKDIR /build
# docker build --build-arg COMMIT=$(git rev-parse --short=12 HEAD) . shows it in `redeemd --version`
# and in redeemd_build_info.
ARG COMMIT=unknown
ENV BUILD_COMMIT=$COMMIT
COPY . .
RUN cargo build --release --locked --bin redeemd \
    && install -D target/release/redeemd /install/redeemd

FROM debian:bookworm-slim
COPY --from=build /install/redeemd /usr/local/bin/redeemd
RUN install -d -m 0700 -o 10001 -g 10001 /var/lib/redeemd
# Everything is kept in /var/lib/redeemd/data; the secret is /var/lib/redeemd/data.secret, unless
# REDEEMD_SECRET_FILE says otherwise.
ENV REDEEMD_DATA_DIR=/var/lib/redeemd/data \
    REDEEMD_HTTP__LISTEN=0.0.0.0:8080 \
    REDEEMD_HTTP__OPERATIONS_LISTEN=0.0.0.0:9090 \
    REDEEMD_LOG__FORMAT=json
USER 10001:10001
WORKDIR /var/lib/redeemd
VOLUME /var/lib/redeemd
EXPOSE 8080 9090
STOPSIGNAL SIGTERM
# Asks the server itself, so no other program has to be in the image. Bringing back much may take
# long: the start period only keeps failures from counting.
HEALTHCHECK --interval=10s --timeout=6s --start-period=120s --retries=3 CMD ["redeemd", "health"]
ENTRYPOINT ["redeemd"]
CMD ["serve"]
