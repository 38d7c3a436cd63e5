//! Uses each part of the crate `bulkhead`, for its test.

use bulkhead::{Call, Error, Level, Plugin, Services, IDEMPOTENT};
use std::thread::JoinHandle;

struct Versatile {
    services: Services,
    config: String,
    threads: Vec<JoinHandle<()>>,
    kept: Option<Call>,
}

impl Plugin for Versatile {
    fn create(services: Services, config: &str) -> Result<Self, Error> {
        match config {
            r#"{"create":"fails"}"# => Err(Error::new(7, "told to fail")),
            r#"{"create":"panics"}"# => panic!("told to panic in create"),
            _ => Ok(Versatile { services, config: config.to_string(), threads: Vec::new(), kept: None }),
        }
    }

    fn activate(&mut self) -> Result<(), Error> {
        self.services.log(Level::Info, "activated");
        Ok(())
    }

    fn deactivate(&mut self) {
        if let Some(call) = self.kept.take() {
            call.reply("kept to the end");
        }
    }
}

impl Drop for Versatile {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            thread.join().unwrap();
        }
    }
}

/// An answer that panics when its bytes are wanted, or when it is dropped.
enum Perilous {
    Shown,
    Dropped,
}

impl AsRef<[u8]> for Perilous {
    fn as_ref(&self) -> &[u8] {
        match self {
            Perilous::Shown => panic!("it has no bytes"),
            Perilous::Dropped => b"answered",
        }
    }
}

impl Drop for Perilous {
    fn drop(&mut self) {
        if let Perilous::Dropped = self {
            panic!("it does not want to go")
        }
    }
}

impl Versatile {
    fn perilous(&mut self, call: &Call) -> Result<Perilous, Error> {
        Ok(if call.text()? == "shown" { Perilous::Shown } else { Perilous::Dropped })
    }

    fn config(&mut self, _call: &Call) -> Result<String, Error> {
        Ok(self.config.clone())
    }

    fn parse(&mut self, call: &Call) -> Result<String, Error> {
        let number: i32 = call.text()?.parse()?;
        Ok((number * 2).to_string())
    }

    fn fail(&mut self, _call: &Call) -> Result<String, Error> {
        Err(Error::new(-42, "h\u{f6}her\0 geht es nicht"))
    }

    fn panic(&mut self, call: &Call) -> Result<Vec<u8>, Error> {
        panic!("no such shelf: {}", call.text()?)
    }

    fn panic_owning(&mut self, _call: Call) {
        panic!("while it owned the call")
    }

    fn in_place(&mut self, call: Call) {
        let request = call.bytes().to_vec();
        call.reply_in_place(request.len() + 100, |answer| {
            answer[..request.len()].copy_from_slice(&request);
            request.len()
        });
    }

    fn too_large_in_place(&mut self, call: Call) {
        call.reply_in_place(1 << 30, |_| unreachable!());
    }

    fn elsewhere(&mut self, call: Call) {
        self.threads.push(std::thread::spawn(move || {
            let answer = call.bytes().to_vec();
            call.reply(answer);
        }));
    }

    fn drop_it(&mut self, _call: Call) {}

    fn keep(&mut self, call: Call) {
        self.kept = Some(call);
    }

    fn facts(&mut self, call: &Call) -> Result<String, Error> {
        let left = call.time_left().map_or(0, |left| left.as_secs());
        let trace = call.trace_id().map_or(0, |id| id[15]);
        let folder = self.services.plugin_directory();
        let folder = folder.file_name().unwrap().to_string_lossy().into_owned();
        call.services().log(Level::Warning, "asked for the facts");
        Ok(format!("{left} {trace} {} {folder}", call.cancelled()))
    }
}

bulkhead::plugin! {
    Versatile, "versatile-rust", "1.0.0";
    "config" [IDEMPOTENT] => Versatile::config,
    "parse" => Versatile::parse,
    "fail" => Versatile::fail,
    "panic" => Versatile::panic,
    "perilous" => Versatile::perilous,
    "panic_owning" => Versatile::panic_owning,
    "in_place" => Versatile::in_place,
    "too_large_in_place" => Versatile::too_large_in_place,
    "elsewhere" => Versatile::elsewhere,
    "drop_it" => Versatile::drop_it,
    "keep" => Versatile::keep,
    "facts" => Versatile::facts,
}
