//! When a warm-up has ended. benches/driver/warmup.h has the rules, what they mean and why.
use serde_json::{json, Value};

const LOOK_BACK: usize = 600;

#[derive(PartialEq)]
enum Verdict {
    Undecided,
    Settled,
    Drifting,
}

pub fn is_steady(batches: &[f64]) -> bool {
    let seen = batches.len().min(LOOK_BACK);
    seen >= 3 && (spread(medians(batches, 1)) <= 0.03 || spread(medians(batches, seen / 3)) <= 0.03)
}

fn sorted(v: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut all: Vec<f64> = v.collect();
    all.sort_by(f64::total_cmp);
    all
}

fn medians(batches: &[f64], width: usize) -> [f64; 3] {
    let end = &batches[batches.len() - 3 * width..];
    std::array::from_fn(|i| {
        let window = sorted(end[i * width..(i + 1) * width].iter().copied());
        (window[(width - 1) / 2] + window[width / 2]) / 2.0
    })
}

fn least(m: [f64; 3]) -> f64 {
    m[0].min(m[1]).min(m[2])
}

fn spread(m: [f64; 3]) -> f64 {
    let (low, high) = (least(m), m[0].max(m[1]).max(m[2]));
    if high == low {
        0.0
    } else if low <= 0.0 {
        f64::INFINITY
    } else {
        (high - low) / low
    }
}

fn quantile(sorted: &[f64], p: f64) -> f64 {
    let at = p * (sorted.len() - 1) as f64;
    let below = at as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (at - below as f64)
}

/// Two standard errors of the difference of two windows' medians.
fn scatter(v: &[f64], width: usize, m: [f64; 3]) -> f64 {
    if width < 2 || least(m) <= 0.0 {
        return f64::INFINITY;
    }
    let w = width as f64;
    let off = sorted(v.iter().enumerate().map(|(i, x)| x / m[i / width] - 1.0));
    let deviation = (quantile(&off, 0.75) - quantile(&off, 0.25)) / 1.349 * (w / (w - 1.0)).sqrt();
    2.0 * 1.2533 * deviation * (2.0 / w).sqrt()
}

fn trend(v: &[f64]) -> f64 {
    let (mut rises, n) = (0.0, v.len() as f64);
    for (i, x) in v.iter().enumerate() {
        for y in &v[i + 1..] {
            rises += f64::from(i8::from(y > x) - i8::from(y < x));
        }
    }
    rises / (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt()
}

/// The verdict, the drift between thirds, and how much of it scatter explains.
fn judge(batches: &[f64]) -> (Verdict, f64, f64) {
    let width = batches.len().min(LOOK_BACK) / 3;
    if width == 0 {
        return (Verdict::Undecided, f64::NAN, f64::NAN);
    }
    let seen = &batches[batches.len() - 3 * width..];
    let (m, z) = (medians(seen, width), trend(seen).abs());
    let (drift, noise) = (spread(m), scatter(seen, width, m));
    let one_way = (m[0] < m[1] && m[1] < m[2]) || (m[0] > m[1] && m[1] > m[2]);
    let (near, explained) = (drift <= 0.03, drift <= noise && z <= 1.96);
    let verdict = if width > 1 && !near && one_way && z > 3.0 {
        Verdict::Drifting
    } else if if width == 1 { near } else { (near || explained) && noise <= 0.10 } {
        Verdict::Settled
    } else {
        Verdict::Undecided
    };
    (verdict, drift, noise)
}

fn last(v: &[f64], n: usize) -> &[f64] {
    &v[v.len() - n.min(v.len())..]
}

/// The record's `warmup`: the measured batches have the last word, as in judge_measured of benches/driver/point.c.
pub fn object(batches: i64, steady: bool, elapsed_ns: i64, warm: &[f64], samples: &[f64]) -> Value {
    let measured = last(samples, LOOK_BACK);
    let (alone, mut drift, mut noise) = judge(measured);
    let drifting = alone == Verdict::Drifting;
    let mut steady = !drifting && (steady || alone == Verdict::Settled);
    if alone == Verdict::Undecided {
        let both = judge(&[last(warm, measured.len()), measured].concat());
        if both.0 == Verdict::Settled {
            (steady, drift, noise) = (true, both.1, both.2);
        }
    }
    let mut o = json!({"batches": batches, "steady": steady, "drifting": drifting, "elapsed_ns": elapsed_ns});
    for (name, value) in [("drift", drift), ("noise", noise)] {
        if value.is_finite() {
            o[name] = json!(value);
        }
    }
    o
}
