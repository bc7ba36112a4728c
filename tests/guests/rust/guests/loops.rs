//! Never ends and never calls: only the host can stop it.

use orchestra_pit_sdk::{Agent, Failure, Outcome, Task, agent};

struct Loops;

impl Agent for Loops {
    fn run(_task: Task) -> Result<Outcome, Failure> {
        let mut turns: u64 = 0;
        loop {
            turns = std::hint::black_box(turns.wrapping_add(1));
        }
    }
}

agent!(Loops);
