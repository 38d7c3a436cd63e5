//! The greeter once more, in Rust: the same answers as examples/greeter.

use bulkhead::{Call, Error, Plugin, Services};

struct Greeter;

impl Plugin for Greeter {
    fn create(_services: Services, _config: &str) -> Result<Self, Error> {
        Ok(Greeter)
    }
}

impl Greeter {
    fn greet(&mut self, call: &Call) -> Result<String, Error> {
        match call.text()? {
            "" => Err(Error::new(1, "a greeting needs a name")),
            name => Ok(format!("Hello, {name}!")),
        }
    }
}

bulkhead::plugin! { Greeter, "greeter-rust", "1.0.0"; "greet" => Greeter::greet }
