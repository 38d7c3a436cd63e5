//! The plugin `myplugin`: one method, `greet`, that takes and returns text.

use bulkhead::{Call, Error, Level, Plugin, Services};

/// One lives in each worker; its functions run one after the other.
struct Greeter {
    greeted: u64,
}

impl Plugin for Greeter {
    /// `config` is the "config" of plugin.json as JSON. An error refuses the start.
    fn create(services: Services, config: &str) -> Result<Self, Error> {
        services.log(Level::Info, &format!("created with {config}"));
        Ok(Greeter { greeted: 0 })
    }
}

impl Greeter {
    /// An error, or a panic, fails this call and nothing else.
    fn greet(&mut self, call: &Call) -> Result<String, Error> {
        let name = call.text()?;
        if name.is_empty() {
            return Err(Error::new(1, "a greeting needs a name"));
        }
        self.greeted += 1;
        Ok(format!("Hello, {name}! You are number {}.", self.greeted))
    }
}

bulkhead::plugin! { Greeter, "myplugin", "0.1.0"; "greet" => Greeter::greet }
