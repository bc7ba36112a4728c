//! Nothing of one life is seen in another (hostile case 30).

use super::*;
use text::{Parts, log};

/// Says what it finds in a global, in memory, in what was data, and in a table; then leaves something in each.
fn litters() -> String {
    let imports = log();
    text::agent(&Parts {
        core: r#"(global $g (mut i64) (i64.const 0)) (table $t 4 funcref) (func $f) (elem declare func $f)
            (data (i32.const 5000) "clean")"#,
        run: "(call $hex (global.get $g))
            (call $hex (i64.load (i32.const 70000)))
            (call $hex (i64.extend_i32_u (i32.load8_u (i32.const 5000))))
            (call $hex (i64.extend_i32_u (ref.is_null (table.get $t (i32.const 1)))))
            (call $hex (i64.extend_i32_u (memory.size)))
            (global.set $g (i64.const 1)) (i64.store (i32.const 70000) (i64.const 2))
            (i32.store8 (i32.const 5000) (i32.const 3)) (table.set $t (i32.const 1) (ref.func $f))
            (drop (memory.grow (i32.const 3)))
            (memory.fill (i32.const 131072) (i32.const 255) (i32.const 65536))
            (i32.const 0)",
        ..imports.parts()
    })
}

fn clean() -> Vec<String> {
    [0, 0, u64::from(b'c'), 1, 2].iter().map(|number| format!("info: {number:016x}")).collect()
}

#[tokio::test]
async fn a_life_starts_clean_where_another_has_just_been() {
    // One slot, so that every life is in the same place.
    let (_folder, places) = fresh_places();
    let engine = Engine::new(&few(), &pool(1), &places, compiler()).unwrap();
    let agent = engine.load(&text::binary(&litters())).await.unwrap();
    for _ in 0..5 {
        let door = script(always_done);
        assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
        assert_eq!(door.lines(), clean());
    }
}

#[tokio::test]
async fn lives_side_by_side_share_nothing() {
    let agent = load(&litters()).await;
    let lives: Vec<_> = (0..10)
        .map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move {
                let door = script(always_done);
                agent.run(Arc::clone(&door), start()).await;
                door.lines()
            })
        })
        .collect();
    for life in lives {
        assert_eq!(life.await.unwrap(), clean());
    }
}

#[tokio::test]
async fn a_life_that_is_dropped_gives_its_place_back() {
    struct Never;
    impl Door for Never {
        async fn pass(&self, _: Call) -> Passed {
            std::future::pending().await
        }
    }
    let (_folder, places) = fresh_places();
    let engine = Engine::new(&few(), &pool(1), &places, compiler()).unwrap();
    let agent = engine.load(&text::binary(&litters())).await.unwrap();
    for _ in 0..3 {
        let life = tokio::time::timeout(std::time::Duration::from_millis(50), agent.run(Never, start()));
        assert!(life.await.is_err());
    }
    let door = script(always_done);
    assert_eq!(agent.run(Arc::clone(&door), start()).await, done(""));
    assert_eq!(door.lines(), clean());
}
