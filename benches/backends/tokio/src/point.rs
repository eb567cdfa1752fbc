//! One point: what it was given, how batches are measured, and its record. Belongs to the main thread.
use crate::args::Param;
use crate::warmup;
use serde_json::{json, Map, Value};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;

pub const PROCS_MEANING: &str = "worker threads of the multi-thread runtime";

pub type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub type LocalBoxed<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

pub struct Workload {
    pub name: &'static str,
    pub doc: &'static str,
    pub metric: &'static str,
    pub unit: &'static str,
    pub better: &'static str,
    pub tasks: i64,
    pub tasks_min: i64,
    pub tasks_max: i64,
    pub params: &'static [Param],
    pub fault: fn(tasks: i64) -> Option<String>,
    pub run: for<'a> fn(&'a mut Point) -> LocalBoxed<'a>,
}

pub struct Options {
    pub tasks: i64,
    pub warmup_ms: i64,
    pub measure_ms: i64,
    pub min_samples: i64,
    pub max_samples: i64,
}

/// What a batch found: its sample, the operations that its tasks counted, and what goes into the histogram.
pub struct Batch {
    pub sample: f64,
    pub counted: i64,
    pub latencies: Vec<i64>,
}

pub struct Point {
    pub workload: &'static Workload,
    pub options: Options,
    pub procs: usize,
    seed: i64,
    pub cpus: Option<String>,
    params: BTreeMap<String, String>,
    pub status: &'static str,
    pub reason: String,
    samples: Vec<f64>,
    warmup: Value,
    batch_operations: i64,
    counts: Value,
    metrics: Map<String, Value>,
    checks: Vec<Value>,
    phases: Vec<Value>,
    pub latency: Hist,
    clock: Value,
}

/// Now, in ns of CLOCK_MONOTONIC.
pub fn now() -> i64 {
    let mut t = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &mut t) };
    t.tv_sec * 1_000_000_000 + t.tv_nsec
}

fn measure_clock() -> Value {
    const READINGS: i64 = 2000;
    let first = now();
    let (mut last, mut step) = (first, i64::MAX);
    for _ in 0..READINGS {
        let n = now();
        if n > last {
            step = step.min(n - last);
        }
        last = n;
    }
    json!({"source": "monotonic", "overhead_ns": (last - first) as f64 / READINGS as f64, "granularity_ns": step as f64})
}

/// HDR buckets of three digits, by their lowest value: harness/base/hist.h.
#[derive(Default)]
pub struct Hist {
    pub buckets: BTreeMap<u64, u64>,
    pub count: u64,
    pub min: u64,
    pub max: u64,
    pub sum: f64,
}

impl Hist {
    fn shift(v: u64) -> u32 {
        (64 - (v | 2047).leading_zeros()) - 11
    }

    pub fn record(&mut self, ns: i64) {
        let v = ns.max(0) as u64;
        let s = Self::shift(v);
        *self.buckets.entry(v >> s << s).or_default() += 1;
        self.min = if self.count == 0 { v } else { self.min.min(v) };
        self.max = self.max.max(v);
        self.count += 1;
        self.sum += v as f64;
    }

    /// None with fewer than ten samples beyond it.
    fn percentile(&self, p: f64) -> Option<u64> {
        let exact = p / 100.0 * self.count as f64;
        let rank = (exact - exact * 1e-15).ceil() as u64; // 99.9 % of 10,000 is 9,990, though not in binary
        if self.count < rank + 10 {
            return None;
        }
        let mut seen = 0;
        let (&low, _) = self.buckets.iter().find(|(_, n)| {
            seen += **n;
            seen >= rank
        })?;
        Some((low + (1 << Self::shift(low)) - 1).min(self.max))
    }

    fn object(&self) -> Value {
        let buckets: Vec<_> = self.buckets.iter().map(|(low, n)| json!([low, n])).collect();
        json!({"unit": "ns", "digits": 3, "count": self.count, "min": self.min, "max": self.max,
               "mean": self.sum / self.count as f64, "buckets": buckets})
    }
}

impl Point {
    pub fn new(workload: &'static Workload, options: Options, procs: usize, seed: i64, cpus: Option<String>,
               params: BTreeMap<String, String>) -> Self {
        Point { workload, options, procs, seed, cpus, params, status: "ok", reason: String::new(), samples: vec![],
                warmup: Value::Null, batch_operations: 0, counts: Value::Null, metrics: Map::new(), checks: vec![],
                phases: vec![], latency: Hist::default(), clock: measure_clock() }
    }

    pub fn cpu_list(&self) -> Vec<usize> {
        self.cpus.iter().flat_map(|l| l.split(',')).filter_map(|w| w.parse().ok()).collect()
    }

    pub fn param(&self, name: &str) -> i64 {
        self.params[name].parse().expect("checked when it was set")
    }

    pub fn fail(&mut self, why: String) {
        if self.status == "ok" {
            (self.status, self.reason) = ("error", why);
        }
    }

    pub fn not_applicable(&mut self, why: &str) {
        (self.status, self.reason) = ("not_applicable", why.into());
    }

    pub fn sample(&mut self, v: f64) {
        self.samples.push(v);
    }

    pub fn metric(&mut self, name: &str, value: f64, unit: &str, better: &str) {
        self.metrics.insert(name.into(), json!({"value": value, "unit": unit, "better": better}));
    }

    pub fn check(&mut self, name: &str, ok: bool, expected: f64, got: f64) {
        self.checks.push(json!({"name": name, "ok": ok, "expected": expected, "got": got}));
    }

    pub fn measured(&mut self, expected: i64, got: i64, start: i64, end: i64) {
        self.phases.push(json!({"name": "measure", "start_ns": start, "end_ns": end}));
        self.counts = json!({"operations": got, "expected_operations": expected, "elapsed_ns": end - start});
        self.check("operations", expected == got, expected as f64, got as f64);
        if expected != got {
            self.fail(format!("the tasks counted {got} operations where the parameters imply {expected}"));
        }
    }

    pub fn quote(&mut self, prefix: &str) {
        for (suffix, p) in [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99_9", 99.9)] {
            let name = format!("{prefix}_{suffix}_ns");
            match self.latency.percentile(p) {
                Some(v) => self.metric(&name, v as f64, "ns", "lower"),
                None => {
                    self.metrics.insert(name, json!({"unavailable": "fewer than ten samples lie beyond it"}));
                }
            }
        }
    }

    /// Warms up until three windows of batches in a row lie within 3 %, then measures. A batch runs as a task on a worker; it
    /// gets how many units to run, each of `per_unit` operations.
    pub async fn measure<F>(&mut self, least: i64, fixed: bool, per_unit: i64, mut batch: F)
    where
        F: FnMut(i64) -> Boxed<'static, Batch>,
    {
        let (began, limit) = (now(), self.options.warmup_ms * 1_000_000);
        let enough = (limit / 8).min(10_000_000);
        let (mut n, mut last, mut batches, mut steady) = (least, vec![], 0, false);
        while !steady {
            let before = now();
            let Ok(b) = tokio::spawn(batch(n)).await else { return self.fail("a task panicked".into()) };
            let after = now();
            batches += 1;
            last.push(b.sample);
            steady = warmup::is_steady(&last);
            if after - began >= limit && (last.len() >= 3 || after - began >= 3 * limit) {
                break;
            }
            if !fixed && after - before < enough && after - began < limit {
                (n, steady) = (2 * n, false);
                last.clear();
            }
        }
        let start = now();
        self.phases.push(json!({"name": "warmup", "start_ns": began, "end_ns": start}));
        let elapsed = start - began;
        self.batch_operations = n * per_unit;
        let (mut done, mut counted) = (0, 0);
        let end = start + self.options.measure_ms * 1_000_000;
        while done < self.options.max_samples && (done < self.options.min_samples || now() < end) {
            let Ok(b) = tokio::spawn(batch(n)).await else { return self.fail("a task panicked".into()) };
            self.samples.push(b.sample);
            counted += b.counted;
            b.latencies.into_iter().for_each(|l| self.latency.record(l));
            done += 1;
        }
        self.warmup = warmup::object(batches, steady, elapsed, &last, &self.samples);
        self.measured(done * self.batch_operations, counted, start, now());
    }

    pub fn record(&self) -> Value {
        let w = self.workload;
        let mut o = json!({"schema": "trine-record", "protocol": 1, "backend": "tokio",
            "backend_version": env!("TOKIO_VERSION"), "workload": w.name, "procs": self.procs,
            "procs_meaning": PROCS_MEANING, "tasks": self.options.tasks, "seed": self.seed, "cpus": self.cpus,
            "params": self.params, "status": self.status, "reason": self.reason, "clock": self.clock,
            "metric": {"name": w.metric, "unit": w.unit, "better": w.better}, "phases": self.phases,
            "baseline": {"stacks": "none: a task is a state machine", "timer_resolution_ns": 1_000_000,
                         "pinning": if self.cpus.is_some() { "one CPU a worker, in turn" } else { "none" }}});
        if self.status != "ok" {
            return o;
        }
        let mut histograms = Map::new();
        if self.latency.count > 0 {
            histograms.insert("latency".into(), self.latency.object());
        }
        o["samples"] = json!(self.samples);
        o["counts"] = self.counts.clone();
        o["metrics"] = json!(self.metrics);
        o["checks"] = json!(self.checks);
        o["histograms"] = json!(histograms);
        o["runtime"] = json!({});
        if !self.warmup.is_null() {
            o["warmup"] = self.warmup.clone();
            o["batch_operations"] = json!(self.batch_operations);
        }
        o
    }
}
