//! Files that are new in `dist` are embedded, too: the compiler alone only watches those that it knows.

fn main() {
    println!("cargo::rerun-if-changed=dist");
}
