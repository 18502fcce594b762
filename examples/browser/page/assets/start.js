// All that is not Rust: load it.
import init from "./page.js";

await init();
