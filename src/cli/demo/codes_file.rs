//! The file with the codes: complete, or absent.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};

use super::campaign::Campaign;
use super::stage::Stage;
use crate::cli::progress::Progress;
use crate::client::{Client, Request};

/// The line above the codes.
const TITLE: &str = "code";

/// A file with a line for each code, under a title.
pub(super) struct CodesFile {
    path: PathBuf,
}

impl CodesFile {
    /// Issues codes and writes them down as they come in. The file gets its name when all of them
    /// are in it.
    pub(super) fn issue(
        client: &mut Client,
        campaign: &Campaign,
        count: u64,
        stage: &Stage,
        progress: &Progress,
    ) -> anyhow::Result<Self> {
        let path = stage.folder().join("codes.csv");
        let partial = stage.folder().join("codes.csv.partial");
        let output = File::create(&partial).context("making the file")?;
        let mut output = Counting { output: BufWriter::new(output), lines: 0, progress };
        let (resource, body) = (campaign.codes_path(), format!(r#"{{"count":{count}}}"#));
        let request = Request::post(&resource, &body)
            .accept("text/csv")
            .idempotency_key(Some("demonstration-codes"));
        let answer = client.send_to(&request, &mut output)?;
        ensure!(answer.status() == 201, "it was answered {}", answer.summary());
        ensure!(output.lines == count + 1, "{} lines came instead of {count}", output.lines);
        let output = output.output.into_inner().context("writing the file")?;
        output.sync_all().context("writing the file")?;
        fs::rename(&partial, &path).context("naming the file")?;
        Ok(Self { path })
    }

    /// Every `stride`th code from the first on, `count` of them.
    pub(super) fn read(&self, stride: u64, count: u64) -> anyhow::Result<Vec<String>> {
        let (stride, count) = (usize::try_from(stride)?, usize::try_from(count)?);
        let codes = self.codes()?.step_by(stride.max(1)).take(count);
        let codes = codes.collect::<io::Result<Vec<_>>>().context("reading the codes")?;
        ensure!(codes.len() == count, "the file has too few codes");
        Ok(codes)
    }

    /// All codes, in order.
    pub(super) fn codes(&self) -> anyhow::Result<impl Iterator<Item = io::Result<String>> + use<>> {
        lines(&self.path).with_context(|| format!("reading {}", self.path.display()))
    }
}

fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>> + use<>> {
    let mut lines = BufReader::new(File::open(path)?).lines();
    match lines.next().transpose()?.as_deref() {
        Some(TITLE) => Ok(lines),
        _ => Err(io::Error::other("it has another title than expected")),
    }
}

/// Counts the lines that pass.
struct Counting<'a> {
    output: BufWriter<File>,
    lines: u64,
    progress: &'a Progress,
}

impl Write for Counting<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.output.write(bytes)?;
        let (written_bytes, _) = bytes.split_at(written);
        self.lines += written_bytes.iter().filter(|&&byte| byte == b'\n').count() as u64;
        self.progress.set(self.lines.saturating_sub(1));
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}
