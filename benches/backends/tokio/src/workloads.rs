//! The workloads but echo. A batch runs as a task; what it starts it waits for.
use crate::args::Param;
use crate::point::{now, Batch, Boxed, Point, Workload};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, Barrier, Semaphore};
use tokio::task::JoinHandle;

pub fn all() -> Vec<&'static Workload> {
    vec![&PINGPONG, &YIELD, &SPAWN, &SLEEPERS, &MEMORY, &FIB, &SKYNET, &CHANBUF, &crate::echo::ECHO]
}

pub fn any(_: i64) -> Option<String> {
    None
}

fn even(tasks: i64) -> Option<String> {
    (tasks % 2 != 0).then(|| "--tasks must be even: one half sends to the other".into())
}

fn power_of_ten(tasks: i64) -> Option<String> {
    let mut power = 10;
    while power < tasks {
        power *= 10;
    }
    (power != tasks).then(|| "skynet: --tasks must be a power of ten: the leaves of a tree".into())
}

fn batch(sample: f64, counted: i64) -> Batch {
    Batch { sample, counted, latencies: vec![] }
}

/// Opens the gate of all tasks, then adds up what they return; with the time that took.
async fn run_gated(gate: Arc<Barrier>, tasks: Vec<JoinHandle<i64>>) -> (i64, i64) {
    gate.wait().await;
    let (start, mut sum) = (now(), 0);
    for t in tasks {
        sum += t.await.unwrap_or(0);
    }
    (now() - start, sum)
}

static PINGPONG: Workload = Workload {
    name: "pingpong", doc: "two tasks a pair pass a value to and fro: what a hand-off costs",
    metric: "switch_ns", unit: "ns", better: "lower", tasks: 2, tasks_min: 2, tasks_max: 2000000, fault: even,
    params: &[Param { name: "cap", min: 0, max: 65536, default: "0",
                      doc: "capacity of each channel; tokio has no rendezvous: 0 stands for its least, 1" }],
    run: |pt| Box::pin(pingpong(pt)),
};

async fn pingpong(pt: &mut Point) {
    let (pairs, cap) = (pt.options.tasks / 2, pt.param("cap").max(1) as usize);
    pt.measure(100, false, 2 * pairs, move |n| Box::pin(async move {
        let (gate, mut tasks) = (Arc::new(Barrier::new(2 * pairs as usize + 1)), vec![]);
        for _ in 0..pairs {
            let ((ping, mut pinged), (pong, mut ponged)) = (mpsc::channel::<u64>(cap), mpsc::channel::<u64>(cap));
            let (g, h) = (gate.clone(), gate.clone());
            tasks.push(tokio::spawn(async move {
                h.wait().await;
                let mut got = 0;
                for _ in 0..n {
                    let Some(v) = pinged.recv().await else { break };
                    got += 1;
                    let _ = pong.send(v).await;
                }
                got
            }));
            tasks.push(tokio::spawn(async move {
                g.wait().await;
                let mut got = 0;
                for i in 0..n {
                    let _ = ping.send(i as u64).await;
                    got += i64::from(ponged.recv().await.is_some());
                }
                got
            }));
        }
        let (elapsed, got) = run_gated(gate, tasks).await;
        batch(elapsed as f64 / (2 * n * pairs) as f64, got)
    })).await;
}

static YIELD: Workload = Workload {
    name: "yield", doc: "tasks yield to each other: what a turn costs",
    metric: "yield_ns", unit: "ns", better: "lower", tasks: 64, tasks_min: 1, tasks_max: 1000000, fault: any, params: &[],
    run: |pt| Box::pin(yields(pt)),
};

async fn yields(pt: &mut Point) {
    let all = pt.options.tasks;
    pt.measure(100, false, all, move |n| Box::pin(async move {
        let (gate, mut tasks) = (Arc::new(Barrier::new(all as usize + 1)), vec![]);
        for _ in 0..all {
            let gate = gate.clone();
            tasks.push(tokio::spawn(async move {
                gate.wait().await;
                for _ in 0..n {
                    tokio::task::yield_now().await;
                }
                n
            }));
        }
        let (elapsed, got) = run_gated(gate, tasks).await;
        batch(elapsed as f64 / (n * all) as f64, got)
    })).await;
}

static SPAWN: Workload = Workload {
    name: "spawn", doc: "a batch of --tasks empty tasks is made and waited for: creation and join",
    metric: "spawn_ns", unit: "ns", better: "lower", tasks: 1000, tasks_min: 1, tasks_max: 10000000, fault: any, params: &[],
    run: |pt| Box::pin(spawn(pt)),
};

async fn spawn(pt: &mut Point) {
    let all = pt.options.tasks;
    pt.measure(1, false, all, move |n| Box::pin(async move {
        let (start, mut ran) = (now(), 0);
        for _ in 0..n {
            let tasks: Vec<_> = (0..all).map(|_| tokio::spawn(async { 1 })).collect();
            for t in tasks {
                ran += t.await.unwrap_or(0);
            }
        }
        batch((now() - start) as f64 / (n * all) as f64, ran)
    })).await;
}

static SLEEPERS: Workload = Workload {
    name: "sleepers", doc: "many tasks sleep: how late each wakes, and the whole batch",
    metric: "batch_late_ns", unit: "ns", better: "lower", tasks: 1000, tasks_min: 1, tasks_max: 10000000, fault: any,
    params: &[Param { name: "sleep_us", min: 1, max: 60000000, default: "10000", doc: "how long each task sleeps, microseconds" }],
    run: |pt| Box::pin(sleepers(pt)),
};

async fn sleepers(pt: &mut Point) {
    let (all, sleep) = (pt.options.tasks, pt.param("sleep_us") * 1000);
    pt.measure(1, true, all, move |_| Box::pin(async move {
        let start = now();
        let tasks: Vec<_> = (0..all)
            .map(|_| tokio::spawn(async move {
                let due = now() + sleep;
                tokio::time::sleep(Duration::from_nanos(sleep as u64)).await;
                now() - due
            }))
            .collect();
        let mut latencies = vec![];
        for t in tasks {
            latencies.extend(t.await.ok());
        }
        let elapsed = now() - start;
        let on_time = latencies.iter().filter(|&&l| l >= 0).count();     // one that wakes early counts for nothing
        Batch { sample: (elapsed - sleep) as f64, counted: on_time as i64, latencies }
    })).await;
    pt.quote("late");
}

static MEMORY: Workload = Workload {
    name: "memory", doc: "many parked tasks: private memory and creation time of each",
    metric: "private_bytes", unit: "bytes", better: "lower", tasks: 1000, tasks_min: 1, tasks_max: 10000000, fault: any, params: &[],
    run: |pt| Box::pin(memory(pt)),
};

fn private_bytes() -> Option<i64> {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").ok()?;
    let kib = |l: &str| l.split_whitespace().nth(1).and_then(|v| v.parse::<i64>().ok());
    Some(text.lines().filter(|l| l.starts_with("Private_Clean") || l.starts_with("Private_Dirty")).filter_map(kib).sum::<i64>() * 1024)
}

/// Makes tasks that wait for a permit that never comes, and returns when all of them wait.
async fn park_all(n: i64) -> (Arc<Semaphore>, Vec<JoinHandle<i64>>) {
    let (closed, ready) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
    let mut tasks = Vec::with_capacity(n as usize);
    for _ in 0..n {
        let (closed, ready) = (closed.clone(), ready.clone());
        tasks.push(tokio::spawn(async move {
            ready.add_permits(1);
            i64::from(closed.acquire().await.is_err())
        }));
    }
    for _ in 0..n {
        if let Ok(permit) = ready.acquire().await {
            permit.forget();
        }
    }
    (closed, tasks)
}

async fn release(parked: (Arc<Semaphore>, Vec<JoinHandle<i64>>)) -> i64 {
    parked.0.close();
    let mut left = 0;
    for t in parked.1 {
        left += t.await.unwrap_or(0);
    }
    left
}

async fn memory(pt: &mut Point) {
    let n = pt.options.tasks;
    let Some(before) = private_bytes() else {
        return pt.fail("private memory cannot be measured: /proc/self/smaps_rollup is not readable".into());
    };
    let start = now();
    let parked = park_all(n).await;
    let end = now();
    let after = private_bytes().unwrap_or(before);
    let left = release(parked).await;
    pt.sample((after - before) as f64 / n as f64);
    pt.measured(n, left, start, end);
    pt.metric("create_ns", (end - start) as f64 / n as f64, "ns", "lower");
    let start = now();
    let parked = park_all(n).await;
    pt.metric("create_reused_ns", (now() - start) as f64 / n as f64, "ns", "lower");
    release(parked).await;
}

static FIB: Workload = Workload {
    name: "fib", doc: "fork-join: fib(n) with a task for every call",
    metric: "task_ns", unit: "ns", better: "lower", tasks: 1, tasks_min: 1, tasks_max: 1, fault: any,
    params: &[Param { name: "n", min: 2, max: 40, default: "12", doc: "which Fibonacci number" }],
    run: |pt| Box::pin(fib(pt)),
};

/// The number, and how many tasks were made for it.
fn fib_of(n: i64) -> Boxed<'static, (i64, i64)> {
    Box::pin(async move {
        if n < 2 {
            return (n, 0);
        }
        let left = tokio::spawn(fib_of(n - 1));
        let (right, right_made) = fib_of(n - 2).await;
        let (left, left_made) = left.await.unwrap_or((0, 0));
        (left + right, left_made + right_made + 1)
    })
}

async fn fib(pt: &mut Point) {
    let n = pt.param("n");
    let (value, next) = (0..n).fold((0, 1), |(a, b), _| (b, a + b));
    let tasks = next - 1;
    pt.measure(1, false, tasks, move |rounds| Box::pin(async move {
        let (start, mut made) = (now(), 0);
        for _ in 0..rounds {
            let (got, m) = fib_of(n).await;
            made += if got == value { m } else { 0 };
        }
        batch((now() - start) as f64 / (rounds * tasks) as f64, made)
    })).await;
}

static SKYNET: Workload = Workload {
    name: "skynet", doc: "a tree of tasks, ten a node, sums its leaves through channels",
    metric: "leaf_ns", unit: "ns", better: "lower", tasks: 100, tasks_min: 10, tasks_max: 1000000, fault: power_of_ten, params: &[],
    run: |pt| Box::pin(skynet(pt)),
};

fn skynet_sum(first: i64, leaves: i64) -> Boxed<'static, i64> {
    Box::pin(async move {
        if leaves == 1 {
            return first;
        }
        let (up, mut sums) = mpsc::channel(1);
        for i in 0..10 {
            let up = up.clone();
            tokio::spawn(async move { up.send(skynet_sum(first + i * (leaves / 10), leaves / 10).await).await });
        }
        let mut sum = 0;
        for _ in 0..10 {
            sum += sums.recv().await.unwrap_or(0);
        }
        sum
    })
}

async fn skynet(pt: &mut Point) {
    let leaves = pt.options.tasks;
    pt.measure(1, false, leaves, move |n| Box::pin(async move {
        let (start, mut counted) = (now(), 0);
        for _ in 0..n {
            counted += if skynet_sum(0, leaves).await == leaves * (leaves - 1) / 2 { leaves } else { 0 };
        }
        batch((now() - start) as f64 / (n * leaves) as f64, counted)
    })).await;
}

static CHANBUF: Workload = Workload {
    name: "chanbuf", doc: "senders and receivers share one buffered channel: what a value costs",
    metric: "value_ns", unit: "ns", better: "lower", tasks: 2, tasks_min: 2, tasks_max: 100000, fault: even,
    params: &[Param { name: "cap", min: 0, max: 65536, default: "128", doc: "capacity of the channel; 0 stands for 1" }],
    run: |pt| Box::pin(chanbuf(pt)),
};

async fn chanbuf(pt: &mut Point) {
    if pt.options.tasks != 2 {
        return pt.not_applicable("tokio's channel has one receiver: more than one to one is another program");
    }
    let cap = pt.param("cap").max(1) as usize;
    pt.measure(100, false, 1, move |n| Box::pin(async move {
        let (gate, (send, mut recv)) = (Arc::new(Barrier::new(3)), mpsc::channel::<i64>(cap));
        let (g, h) = (gate.clone(), gate.clone());
        let receiver = tokio::spawn(async move {
            g.wait().await;
            let (mut sum, mut got) = (0, 0);
            while let Some(v) = recv.recv().await {
                (sum, got) = (sum + v, got + 1);
            }
            if sum == n * (n - 1) / 2 { got } else { 0 }
        });
        let sender = tokio::spawn(async move {
            h.wait().await;
            for i in 0..n {
                let _ = send.send(i).await;
            }
            0
        });
        let (elapsed, got) = run_gated(gate, vec![receiver, sender]).await;
        batch(elapsed as f64 / n as f64, got)
    })).await;
}
