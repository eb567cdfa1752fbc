//! trine-driver-tokio: the peers' workloads on tokio. The contract is docs/protocol.md; question, method and known lies of
//! each workload stand in benches/workloads/, whose methods these follow. Also the example of how to bring one's own runtime.
mod args;
mod echo;
mod point;
mod warmup;
mod workloads;

use std::sync::atomic::{AtomicUsize, Ordering};

fn bind_next(cpus: &[usize], nth: &AtomicUsize) {
    if cpus.is_empty() {
        return;
    }
    unsafe {
        let mut set: libc::cpu_set_t = std::mem::zeroed();
        libc::CPU_SET(cpus[nth.fetch_add(1, Ordering::Relaxed) % cpus.len()], &mut set);
        libc::sched_setaffinity(0, std::mem::size_of_val(&set), &set);
    }
}

fn main() {
    let all = workloads::all();
    let mut pt = match args::parse(&all) {
        args::Asked::Description => {
            println!("{}", args::describe(&all));
            return;
        }
        args::Asked::Point(pt) => pt,
    };
    let (cpus, nth) = (pt.cpu_list(), AtomicUsize::new(0));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(pt.procs)
        .enable_all()
        .on_thread_start(move || bind_next(&cpus, &nth))
        .build();
    match runtime {
        Ok(runtime) => {
            let run = pt.workload.run;
            runtime.block_on(run(&mut pt));
        }
        Err(why) => pt.fail(format!("the runtime did not start: {why}")),
    }
    println!("{}", pt.record());
    if pt.status == "error" {
        eprintln!("trine-driver-tokio: {}: {}", pt.workload.name, pt.reason);
        std::process::exit(1);
    }
}
