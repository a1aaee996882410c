//! What can be measured from outside, in Prometheus' text form. All names stand in one enum.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use store::Overview;

/// Everything that `/metrics` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Build,
    Started,
    Connection,
    Calls,
    CallsThrottled,
    CallsFailed,
    Waiting,
    OldestWaiting,
    Failing,
    Links,
    Reviews,
    Blocked,
    Intents,
    Meter,
    Webhooks,
    Requests,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

impl Metric {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 16] = [
        Self::Build,
        Self::Started,
        Self::Connection,
        Self::Calls,
        Self::CallsThrottled,
        Self::CallsFailed,
        Self::Waiting,
        Self::OldestWaiting,
        Self::Failing,
        Self::Links,
        Self::Reviews,
        Self::Blocked,
        Self::Intents,
        Self::Meter,
        Self::Webhooks,
        Self::Requests,
    ];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "tandem_build_info",
            Self::Started => "tandem_start_time_seconds",
            Self::Connection => "tandem_connection_usable",
            Self::Calls => "tandem_calls_total",
            Self::CallsThrottled => "tandem_calls_throttled_total",
            Self::CallsFailed => "tandem_calls_failed_total",
            Self::Waiting => "tandem_records_waiting",
            Self::OldestWaiting => "tandem_oldest_waiting_seconds",
            Self::Failing => "tandem_records_failing",
            Self::Links => "tandem_links",
            Self::Reviews => "tandem_reviews_open",
            Self::Blocked => "tandem_fields_blocked",
            Self::Intents => "tandem_creates_unsettled",
            Self::Meter => "tandem_meter_total",
            Self::Webhooks => "tandem_webhooks_total",
            Self::Requests => "tandem_http_requests_total",
        }
    }

    /// What it says.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Build => "1, with the version as a label.",
            Self::Started => "When this process began, in seconds since 1970.",
            Self::Connection => {
                "1 if calls may be made on the connection, 0 if it needs a person or fails."
            }
            Self::Calls => "Requests sent on a connection since the start, each attempt counted.",
            Self::CallsThrottled => "Requests that met the vendor's limit.",
            Self::CallsFailed => "Requests that ended in any other way than an answer.",
            Self::Waiting => "Records that may have changed and were not looked at yet.",
            Self::OldestWaiting => "How long the oldest signal has waited, in seconds.",
            Self::Failing => "Records whose last try failed.",
            Self::Links => "Pairs of records that a sync keeps the same.",
            Self::Reviews => "Questions that wait for a person.",
            Self::Blocked => "Fields that a system refused.",
            Self::Intents => "Creates whose outcome is not known yet.",
            Self::Meter => "What the engine counts over the life of the database, by name.",
            Self::Webhooks => "Webhooks that came in, by what became of them.",
            Self::Requests => "Requests to this server, by the class of the answer.",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Calls
            | Self::CallsThrottled
            | Self::CallsFailed
            | Self::Meter
            | Self::Webhooks
            | Self::Requests => Kind::Counter,
            Self::Build
            | Self::Started
            | Self::Connection
            | Self::Waiting
            | Self::OldestWaiting
            | Self::Failing
            | Self::Links
            | Self::Reviews
            | Self::Blocked
            | Self::Intents => Kind::Gauge,
        }
    }
}

/// Takes the samples of one metric: labels and value.
type Emit<'a> = dyn FnMut(&[(&str, &str)], f64) + 'a;

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    Duplicate,
    Full,
    BadSignature,
    Unreadable,
    UnknownAddress,
    UnknownAccount,
    TooLarge,
    Failed,
}

impl Fate {
    const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Full,
        Self::BadSignature,
        Self::Unreadable,
        Self::UnknownAddress,
        Self::UnknownAccount,
        Self::TooLarge,
        Self::Failed,
    ];

    /// The word in logs and labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Full => "full",
            Self::BadSignature => "bad_signature",
            Self::Unreadable => "unreadable",
            Self::UnknownAddress => "unknown_address",
            Self::UnknownAccount => "unknown_account",
            Self::TooLarge => "too_large",
            Self::Failed => "failed",
        }
    }
}

/// What this server counts itself, since it started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    webhooks: [AtomicU64; Fate::ALL.len()],
    /// By the first digit of the status.
    requests: [AtomicU64; 6],
}

impl Counters {
    pub(crate) fn webhook(&self, fate: Fate) {
        self.webhooks[fate as usize].fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn request(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.requests[class].fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection as `/metrics` shows it.
#[derive(Debug)]
pub(crate) struct ConnectionSample {
    pub(crate) name: String,
    pub(crate) usable: bool,
    pub(crate) counts: connections::Counts,
}

/// Everything that goes into one page.
pub(crate) struct Page<'a> {
    pub(crate) overview: &'a Overview,
    pub(crate) connections: &'a [ConnectionSample],
    pub(crate) counters: &'a Counters,
    pub(crate) started: Timestamp,
    pub(crate) now: Timestamp,
}

impl Page<'_> {
    /// The page as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for metric in Metric::ALL {
            let kind = match metric.kind() {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
            };
            let name = metric.name();
            line(&mut out, format_args!("# HELP {name} {}", metric.help()));
            line(&mut out, format_args!("# TYPE {name} {kind}"));
            self.samples(metric, &mut |labels, value| {
                sample(&mut out, name, labels, value);
            });
        }
        out
    }

    fn samples(&self, metric: Metric, emit: &mut Emit<'_>) {
        match metric {
            Metric::Build => emit(&[("version", env!("CARGO_PKG_VERSION"))], 1.0),
            Metric::Started => emit(&[], seconds(self.started)),
            Metric::Connection => self.each_connection(emit, |sample| f64::from(sample.usable)),
            Metric::Calls => {
                for sample in self.connections {
                    for (effect, count) in [
                        ("read", sample.counts.reads),
                        ("write", sample.counts.writes),
                    ] {
                        emit(
                            &[("connection", &sample.name), ("effect", effect)],
                            count as f64,
                        );
                    }
                }
            }
            Metric::CallsThrottled => {
                self.each_connection(emit, |sample| sample.counts.throttled as f64);
            }
            Metric::CallsFailed => {
                self.each_connection(emit, |sample| sample.counts.failed as f64);
            }
            Metric::Waiting => nested(&self.overview.dirty, "connection", "lane", emit),
            Metric::OldestWaiting => {
                for (connection, oldest) in &self.overview.oldest {
                    let waited = (seconds(self.now) - seconds(*oldest)).max(0.0);
                    emit(&[("connection", connection)], waited);
                }
            }
            Metric::Failing => flat(&self.overview.failing, "connection", emit),
            Metric::Links => flat(&self.overview.links, "sync", emit),
            Metric::Reviews => nested(&self.overview.reviews, "sync", "kind", emit),
            Metric::Blocked => flat(&self.overview.blocked, "sync", emit),
            Metric::Intents => flat(&self.overview.intents, "sync", emit),
            Metric::Meter => {
                for (name, value) in &self.overview.meters {
                    emit(&[("name", name)], *value as f64);
                }
            }
            Metric::Webhooks => {
                for fate in Fate::ALL {
                    let count = self.counters.webhooks[fate as usize].load(Ordering::Relaxed);
                    emit(&[("fate", fate.as_str())], count as f64);
                }
            }
            Metric::Requests => {
                for (class, count) in self.counters.requests.iter().enumerate().skip(1) {
                    let class = format!("{class}xx");
                    emit(&[("status", &class)], count.load(Ordering::Relaxed) as f64);
                }
            }
        }
    }

    fn each_connection(&self, emit: &mut Emit<'_>, value: impl Fn(&ConnectionSample) -> f64) {
        for sample in self.connections {
            emit(&[("connection", &sample.name)], value(sample));
        }
    }
}

type Counted = std::collections::BTreeMap<String, u64>;

fn flat(counts: &Counted, label: &str, emit: &mut Emit<'_>) {
    for (name, count) in counts {
        emit(&[(label, name)], *count as f64);
    }
}

fn nested(
    counts: &std::collections::BTreeMap<String, Counted>,
    outer: &str,
    inner: &str,
    emit: &mut Emit<'_>,
) {
    for (name, counts) in counts {
        for (kind, count) in counts {
            emit(&[(outer, name), (inner, kind)], *count as f64);
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // writing into a string does not fail
    let _ = writeln!(out, "{text}");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    out.push_str(name);
    for (index, (label, text)) in labels.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(label);
        out.push_str("=\"");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    line(out, format_args!(" {value}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_every_metric_once_and_escapes_its_labels() {
        let counters = Counters::default();
        counters.webhook(Fate::BadSignature);
        counters.request(http::StatusCode::NOT_FOUND);
        let overview = Overview {
            oldest: [("a\"b".to_owned(), Timestamp::UNIX_EPOCH)].into(),
            ..Overview::default()
        };
        let page = Page {
            overview: &overview,
            connections: &[ConnectionSample {
                name: "a".to_owned(),
                usable: true,
                counts: connections::Counts {
                    reads: 7,
                    ..connections::Counts::default()
                },
            }],
            counters: &counters,
            started: Timestamp::UNIX_EPOCH,
            now: Timestamp::new(90, 0).unwrap(),
        }
        .render();
        for metric in Metric::ALL {
            let heading = format!("# TYPE {} ", metric.name());
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
        for expected in [
            "tandem_calls_total{connection=\"a\",effect=\"read\"} 7\n",
            "tandem_oldest_waiting_seconds{connection=\"a\\\"b\"} 90\n",
            "tandem_webhooks_total{fate=\"bad_signature\"} 1\n",
            "tandem_http_requests_total{status=\"4xx\"} 1\n",
            "tandem_connection_usable{connection=\"a\"} 1\n",
        ] {
            assert!(page.contains(expected), "{expected}");
        }
    }
}
