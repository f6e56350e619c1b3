//! A strict parser of Prometheus' text format; it panics where a scraper would fail.

use std::collections::BTreeMap;

#[derive(Debug, Default)]
pub struct Text {
    /// Kind of each family by name.
    pub families: BTreeMap<String, String>,
    /// Help of each family by name.
    pub help: BTreeMap<String, String>,
    pub samples: Vec<Sample>,
}

#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Text {
    pub fn read(text: &str) -> Self {
        let mut read = Self::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.splitn(4, ' ').collect();
            match words[..] {
                ["#", "TYPE", name, kind] => {
                    assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                    let before = read.families.insert(name.to_owned(), kind.to_owned());
                    assert_eq!(before, None, "{name} has two types");
                }
                ["#", "HELP", name, help] => {
                    let before = read.help.insert(name.to_owned(), help.to_owned());
                    assert_eq!(before, None, "{name} has two helps");
                }
                _ => read.sample(line),
            }
        }
        read
    }

    fn sample(&mut self, line: &str) {
        let (series, value) = line.rsplit_once(' ').expect("a series and a number");
        let (name, labels) = match series.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect("an end of the labels")),
            None => (series, ""),
        };
        let labels = labels.split(',').filter(|label| !label.is_empty()).map(|label| {
            let (label, value) = label.split_once('=').expect("a label");
            let value = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
            (label.to_owned(), value.expect("a quoted value").to_owned())
        });
        let of_histogram = ["_bucket", "_sum", "_count"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix));
        let family =
            of_histogram.filter(|family| self.families.get(*family).is_some_and(|kind| kind == "histogram"));
        assert!(
            self.families.contains_key(family.unwrap_or(name)),
            "{line} comes before its type"
        );
        self.samples.push(Sample {
            name: name.to_owned(),
            labels: labels.collect(),
            value: value.parse().expect("a number"),
        });
    }

    /// The value of the series `name{a=b,c=d}`, labels in alphabetical order.
    pub fn value(&self, wanted: &str) -> Option<f64> {
        let written = |sample: &Sample| {
            let labels: Vec<String> = sample
                .labels
                .iter()
                .map(|(label, value)| format!("{label}={value}"))
                .collect();
            format!("{}{{{}}}", sample.name, labels.join(","))
        };
        self.samples
            .iter()
            .find(|sample| written(sample) == wanted)
            .map(|sample| sample.value)
    }
}
