//! The command line and the description. Every fault is one line on stderr and exit 2.
use crate::point::{Options, Point, Workload};
use serde_json::{json, Value};
use std::collections::BTreeMap;

#[derive(Clone, Copy)]
pub struct Param {
    pub name: &'static str,
    pub min: i64,
    pub max: i64,
    pub default: &'static str,
    pub doc: &'static str,
}

pub enum Asked {
    Description,
    Point(Point),
}

const OPTIONS: [&str; 11] = [
    "--workload", "--describe", "--procs", "--tasks", "--param", "--cpus", "--seed", "--warmup-ms", "--measure-ms",
    "--min-samples", "--max-samples",
];

fn usage(why: String) -> ! {
    eprintln!("trine-driver-tokio: {why}");
    std::process::exit(2)
}

fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let up = row[j + 1];
            row[j + 1] = (up + 1).min(row[j] + 1).min(corner + usize::from(x != b[j]));
            corner = up;
        }
    }
    row[b.len()]
}

fn hint<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> String {
    match known.map(|k| (distance(word, k), k)).min() {
        Some((d, near)) if d <= 2 => format!(": did you mean {near}?"),
        _ => String::new(),
    }
}

fn number(option: &str, text: &str, min: i64, max: i64) -> i64 {
    match text.parse::<i64>() {
        Ok(v) if v >= min && v <= max => v,
        _ => usage(format!("{option}: '{text}' is not a whole number from {min} to {max}")),
    }
}

fn set_param(w: &Workload, params: &mut BTreeMap<String, String>, text: &str) {
    let Some((key, value)) = text.split_once('=') else {
        usage(format!("--param: '{text}' is not of the form KEY=VALUE"));
    };
    let Some(p) = w.params.iter().find(|p| p.name == key) else {
        usage(format!("unknown parameter '{key}' (see --describe)"));
    };
    number(&format!("--param {key}"), value, p.min, p.max);
    params.insert(key.into(), value.into());
}

fn check_cpus(text: &str) {
    let allowed = unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::sched_getaffinity(0, std::mem::size_of_val(&set), &mut set);
        set
    };
    for word in text.split(',') {
        let cpu = number("--cpus", word, 0, 1023);
        if !unsafe { libc::CPU_ISSET(cpu as usize, &allowed) } {
            usage(format!("--cpus: CPU {cpu} is not in this process's affinity mask"));
        }
    }
}

pub fn parse(all: &[&'static Workload]) -> Asked {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let mut pairs: Vec<(String, String)> = Vec::new();
    let mut i = 0;
    while i < words.len() {
        if !OPTIONS.contains(&words[i].as_str()) {
            usage(format!("unknown option '{}'{} (see docs/protocol.md)", words[i], hint(&words[i], OPTIONS.into_iter())));
        }
        if words[i] == "--describe" {
            return Asked::Description;
        }
        if i + 1 == words.len() {
            usage(format!("option {} needs a value", words[i]));
        }
        pairs.push((words[i].clone(), words[i + 1].clone()));
        i += 2;
    }
    let Some((_, name)) = pairs.iter().find(|(o, _)| o == "--workload") else {
        usage("no --workload given: see --describe for their names".into());
    };
    let Some(&w) = all.iter().find(|w| w.name == name) else {
        usage(format!("unknown workload '{name}'{} (see --describe)", hint(name, all.iter().map(|w| w.name))));
    };
    let mut o = Options { tasks: w.tasks, warmup_ms: 200, measure_ms: 500, min_samples: 10, max_samples: 2000 };
    let mut params = w.params.iter().map(|p| (p.name.to_string(), p.default.to_string())).collect();
    let mut procs = std::thread::available_parallelism().map_or(1, |n| n.get());
    let (mut seed, mut cpus) = (1, None);
    for (option, value) in &pairs {
        match option.as_str() {
            "--procs" => procs = number(option, value, 1, 1024) as usize,
            "--tasks" => o.tasks = number(option, value, w.tasks_min, w.tasks_max),
            "--seed" => seed = number(option, value, 0, i64::MAX),
            "--warmup-ms" => o.warmup_ms = number(option, value, 0, 3600000),
            "--measure-ms" => o.measure_ms = number(option, value, 0, 3600000),
            "--min-samples" => o.min_samples = number(option, value, 1, 1000000),
            "--max-samples" => o.max_samples = number(option, value, 1, 1000000),
            "--param" => set_param(w, &mut params, value),
            "--cpus" => {
                check_cpus(value);
                cpus = Some(value.clone());
            }
            _ => {}
        }
    }
    if o.min_samples > o.max_samples {
        usage(format!("--min-samples {} is above --max-samples {}", o.min_samples, o.max_samples));
    }
    if let Some(why) = (w.fault)(o.tasks) {
        usage(why);
    }
    Asked::Point(Point::new(w, o, procs, seed, cpus, params))
}

pub fn describe(all: &[&'static Workload]) -> Value {
    let workloads: Vec<Value> = all
        .iter()
        .map(|w| {
            let params: Vec<Value> = w
                .params
                .iter()
                .map(|p| json!({"name": p.name, "type": "int", "min": p.min, "max": p.max, "default": p.default, "doc": p.doc}))
                .collect();
            json!({"name": w.name, "doc": w.doc, "metric": w.metric, "unit": w.unit, "better": w.better, "tasks": w.tasks,
                   "tasks_min": w.tasks_min, "tasks_max": w.tasks_max, "params": params, "applicable": true, "reason": ""})
        })
        .collect();
    json!({"schema": "trine-driver", "protocol": 1, "backend": "tokio", "backend_version": env!("TOKIO_VERSION"),
           "procs_meaning": crate::point::PROCS_MEANING, "workloads": workloads, "rt_params": []})
}
