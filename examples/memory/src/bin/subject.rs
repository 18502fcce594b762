//! A client that searches its own memory, with the allocator that every program has.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(target_os = "linux")]
    return otp_example_memory::subjects::main();
    #[cfg(not(target_os = "linux"))]
    Err("this needs Linux".into())
}
