//! Writes metrics as Prometheus reads them (text format 0.0.4). Names of labels are the program's
//! own; what stands in them needs no escaping.

use std::fmt::{Display, Write as _};

use redeemd_actors::status::{DURATION_BOUNDS_MICROSECONDS, Durations};

/// A page of metrics that is being written.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

/// What a family of metrics is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It only grows, but for a restart.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Exposition {
    /// A page that goes on after what was written elsewhere.
    pub(super) fn after(page: String) -> Self {
        Self(page)
    }

    /// The page.
    pub(super) fn finish(self) -> String {
        self.0
    }

    /// One number.
    pub(super) fn single(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.family(name, kind.name(), help);
        self.sample(name, "", value);
    }

    /// One number for each value of a label.
    pub(super) fn labelled<L: Display, V: Display>(
        &mut self,
        name: &str,
        kind: Kind,
        help: &str,
        label: &str,
        samples: impl IntoIterator<Item = (L, V)>,
    ) {
        self.family(name, kind.name(), help);
        for (value_of_label, value) in samples {
            self.sample(name, &format!("{{{label}=\"{value_of_label}\"}}"), value);
        }
    }

    /// What is true of the process, in labels; its value is always 1.
    pub(super) fn facts(&mut self, name: &str, help: &str, facts: &[(&str, &str)]) {
        self.family(name, Kind::Gauge.name(), help);
        let facts = facts.iter().map(|(label, fact)| format!("{label}=\"{fact}\""));
        self.sample(name, &format!("{{{}}}", facts.collect::<Vec<_>>().join(",")), 1);
    }

    /// A histogram of durations.
    pub(super) fn durations(&mut self, name: &str, help: &str, durations: &Durations) {
        self.family(name, "histogram", help);
        let bounds = DURATION_BOUNDS_MICROSECONDS.iter().map(|&bound| Some(bound as f64 / 1e6));
        let mut count = 0;
        for (bound, bucket) in bounds.chain([None]).zip(durations.buckets()) {
            count += bucket;
            let bound = bound.map_or("+Inf".to_owned(), |bound| bound.to_string());
            self.sample(&format!("{name}_bucket"), &format!("{{le=\"{bound}\"}}"), count);
        }
        self.sample(&format!("{name}_sum"), "", durations.sum_microseconds() as f64 / 1e6);
        self.sample(&format!("{name}_count"), "", count);
    }

    fn family(&mut self, name: &str, kind: &str, help: &str) {
        // Writing to memory does not fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: impl Display) {
        let _ = writeln!(self.0, "{name}{labels} {value}");
    }
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }
}
