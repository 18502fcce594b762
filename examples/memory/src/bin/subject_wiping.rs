//! The same client with an allocator that wipes what is freed.

use std::alloc::System;

use zeroizing_alloc::ZeroAlloc;

#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    #[cfg(target_os = "linux")]
    return otp_example_memory::subjects::main();
    #[cfg(not(target_os = "linux"))]
    Err("this needs Linux".into())
}
