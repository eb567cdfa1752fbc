//! The version of tokio that Cargo.lock fixes goes into every record.
fn main() {
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock").expect("Cargo.lock");
    let mut lines = lock.lines().skip_while(|l| *l != "name = \"tokio\"");
    let version = lines.nth(1).and_then(|l| l.split('"').nth(1)).expect("tokio in Cargo.lock");
    println!("cargo:rustc-env=TOKIO_VERSION={version}");
}
