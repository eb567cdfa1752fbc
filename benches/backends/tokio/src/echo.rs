//! echo: benches/workloads/echo.c, with the same client process.
use crate::args::Param;
use crate::point::{Hist, Point, Workload};
use crate::workloads::any;
use serde_json::Value;
use std::process::Stdio;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub static ECHO: Workload = Workload {
    name: "echo", doc: "TCP echo for a client process: requests a second of processor time, and their latency",
    metric: "requests_per_cpu_s", unit: "1/s", better: "higher", tasks: 100, tasks_min: 1, tasks_max: 50000, fault: any,
    params: &[Param { name: "bytes", min: 1, max: 4096, default: "64", doc: "of a request and of its answer" }],
    run: |pt| Box::pin(run(pt)),
};

fn need_descriptors(n: u64) -> bool {
    unsafe {
        let mut l: libc::rlimit = std::mem::zeroed();
        if libc::getrlimit(libc::RLIMIT_NOFILE, &mut l) != 0 || l.rlim_cur >= n {
            return true;
        }
        l.rlim_cur = n;
        n <= l.rlim_max && libc::setrlimit(libc::RLIMIT_NOFILE, &l) == 0
    }
}

async fn serve_connection(mut c: TcpStream) {
    let mut buf = [0; 4096];
    while let Ok(n @ 1..) = c.read(&mut buf).await {
        if c.write_all(&buf[..n]).await.is_err() {
            break;
        }
    }
}

async fn serve(listener: TcpListener, connections: i64) -> std::io::Result<()> {
    let mut all = vec![];
    for _ in 0..connections {
        all.push(tokio::spawn(serve_connection(listener.accept().await?.0)));
    }
    for c in all {
        let _ = c.await;
    }
    Ok(())
}

fn client(pt: &Point, port: u16) -> std::io::Result<std::process::Child> {
    let mut path = std::env::current_exe()?;
    path.set_file_name("trine-echo-client");
    let mut command = std::process::Command::new(path);
    let numbers = [port as i64, pt.options.tasks, pt.param("bytes"), pt.options.warmup_ms, pt.options.measure_ms,
                   std::process::id() as i64];
    command.args(numbers.map(|n| n.to_string())).args(&pt.cpus).stdin(Stdio::null()).stdout(Stdio::piped());
    command.spawn()
}

async fn measured(pt: &Point) -> std::io::Result<Value> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let child = client(pt, listener.local_addr()?.port())?;
    let printed = std::thread::spawn(move || child.wait_with_output());
    let connections = pt.options.tasks;
    tokio::spawn(serve(listener, connections)).await??;
    let out = printed.join().map_err(|_| std::io::Error::other("the client could not be read"))??;
    Ok(serde_json::from_slice(&out.stdout)?)
}

async fn run(pt: &mut Point) {
    if !need_descriptors(pt.options.tasks as u64 + 72) {
        return pt.fail("more descriptors are needed than the hard limit allows: raise it (ulimit -Hn) or lower --tasks".into());
    }
    let report = match measured(pt).await {
        Ok(report) => report,
        Err(why) => return pt.fail(format!("the client or a connection failed: {why}")),
    };
    let field = |o: &Value, name: &str| o[name].as_i64().unwrap_or(0);
    let h = &report["latency"];
    let mut latency = Hist { min: field(h, "min") as u64, max: field(h, "max") as u64, ..Hist::default() };
    for b in h["buckets"].as_array().into_iter().flatten() {
        let (low, n) = (b[0].as_u64().unwrap_or(0), b[1].as_u64().unwrap_or(0));
        latency.buckets.insert(low, n);
        latency.count += n;
    }
    latency.sum = h["mean"].as_f64().unwrap_or(0.0) * latency.count as f64;
    pt.latency = latency;
    let (start, end) = (field(&report, "start_ns"), field(&report, "end_ns"));
    let (seconds, requests) = ((end - start) as f64 / 1e9, field(&report, "requests") as f64);
    let cpu = field(&report, "server_cpu_ns") as f64 / 1e9;
    pt.sample(requests / cpu);
    pt.measured(field(&report, "sent"), field(&report, "answered"), start, end);
    pt.metric("throughput", requests / seconds, "1/s", "higher");
    pt.metric("server_cpus", cpu / seconds, "CPUs", "lower");
    pt.metric("client_cpus", field(&report, "client_cpu_ns") as f64 / 1e9 / seconds, "CPUs", "lower");
    pt.quote("latency");
}
