# What peer-capnproto says.
@0xd7c1a5f0b2e84c63;

interface Echo {
  call @0 (content :Data) -> (content :Data);
}
