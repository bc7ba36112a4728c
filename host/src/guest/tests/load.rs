//! What is refused before anything of it runs (hostile cases 24 and 27 to 29), and how it is said.

use super::*;
use text::Parts;

async fn refusal(wasm: &[u8]) -> LoadError {
    match ENGINE.load(wasm).await {
        Ok(_) => panic!("it was taken"),
        Err(why) => why,
    }
}

#[tokio::test]
async fn what_is_no_component_is_told_by_its_form() {
    for (bytes, form) in [
        (&b""[..], Form::Empty),
        (&::wat::parse_str("(module)").unwrap(), Form::CoreModule),
        (b"(component)", Form::Text),
        (b"\x7fELF\x02\x01\x01 and so on", Form::Precompiled),
        (b"\xff\xfe\0\0", Form::Unknown),
    ] {
        assert_eq!(refusal(bytes).await, LoadError::NotAComponent(form));
    }
}

#[tokio::test]
async fn what_our_own_compiler_put_out_is_no_agent() {
    let compiled = compiler().compile(&text::binary(&text::agent(&Parts::default()))).await.unwrap();
    assert_eq!(refusal(compiled.bytes()).await, LoadError::NotAComponent(Form::Precompiled));
}

#[tokio::test]
async fn a_component_that_is_cut_short_is_refused_wherever_it_is_cut() {
    let whole = text::binary(&text::agent(&Parts::default()));
    ENGINE.load(&whole).await.unwrap();
    for len in (8..whole.len()).step_by(97) {
        let why = refusal(&whole[..len]).await;
        assert!(matches!(why, LoadError::Invalid(_) | LoadError::NoRun), "at {len}: {why}");
    }
}

#[tokio::test]
async fn bytes_that_were_changed_are_an_error_and_never_a_panic() {
    let whole = text::binary(&text::agent(&Parts::default()));
    for at in (8..whole.len()).step_by(61) {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        // Some changes make another valid component; those it must be possible to run, too.
        if let Ok(agent) = ENGINE.load(&bytes).await {
            agent.run(script(always_done), start()).await;
        }
    }
}

#[tokio::test]
async fn an_import_that_is_not_offered_is_named() {
    for (import, said) in [
        ("wasi:sockets/raw@0.2.6", "the agent imports wasi:sockets/raw@0.2.6, which pit does not offer"),
        (
            "wasi:http/outgoing-handler@0.2.0",
            "the agent imports wasi:http/outgoing-handler@0.2.0, which pit does not offer",
        ),
        ("wasi:io/poll@0.3.0", "the agent imports wasi:io/poll@0.3.0, which pit does not offer"),
        ("pit:agent/http@0.1.0", "the agent imports pit:agent/http@0.1.0, which pit does not offer"),
        ("pit:agent/log@0.2.0", "the agent imports pit:agent/log@0.2.0; this pit offers pit:agent@0.1.0"),
        ("env", "the agent imports env, which pit does not offer"),
    ] {
        let imports = format!(r#"(import "{import}" (instance))"#);
        let wasm = text::binary(&text::agent(&Parts { imports: &imports, ..Parts::default() }));
        assert_eq!(refusal(&wasm).await.to_string(), said);
    }
}

#[tokio::test]
async fn right_names_with_wrong_types_are_refused() {
    let imports = r#"(import "pit:agent/log@0.1.0" (instance (export "write" (func (param "level" u32)))))"#;
    let wasm = text::binary(&text::agent(&Parts { imports, ..Parts::default() }));
    let why = refusal(&wasm).await;
    assert!(matches!(&why, LoadError::Types(why) if why.contains("pit:agent/log@0.1.0")), "{why}");

    let imports = r#"(import "pit:agent/log@0.1.0" (instance (export "shout" (func))))"#;
    let wasm = text::binary(&text::agent(&Parts { imports, ..Parts::default() }));
    let why = refusal(&wasm).await;
    assert!(matches!(&why, LoadError::Types(why) if why.contains("shout")), "{why}");
}

#[tokio::test]
async fn a_component_without_run_is_no_agent() {
    assert_eq!(refusal(&text::binary("(component)")).await, LoadError::NoRun);
    // A `run` of another type is found out after compiling.
    let other = r#"(component (core module $m (func (export "run"))) (core instance $i (instantiate $m))
        (func (export "run") (canon lift (core func $i "run"))))"#;
    let why = refusal(&text::binary(other)).await;
    assert!(matches!(why, LoadError::Types(_)), "{why}");
}

#[tokio::test]
async fn a_body_that_does_not_validate_is_refused_by_the_compiler() {
    let whole = text::binary(&text::agent(&Parts {
        run: "(i64.const 81985529216486895) (drop) (i32.const 0)",
        ..Parts::default()
    }));
    let number: &[u8] = &[0x42, 0xef, 0x9b, 0xaf];
    let at = whole.windows(4).position(|window| window == number).unwrap();
    let mut bytes = whole.clone();
    bytes[at] = 0x41;
    let why = refusal(&bytes).await;
    assert!(matches!(why, LoadError::Invalid(_)), "{why}");
}

/// A component with a core module of so many functions, each with a body.
fn functions(count: u32, body: &[u8]) -> Vec<u8> {
    fn leb(mut number: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = (number & 0x7f) as u8;
            number >>= 7;
            bytes.push(if number == 0 { low } else { low | 0x80 });
            if number == 0 {
                return bytes;
            }
        }
    }
    fn section(id: u8, contents: &[u8]) -> Vec<u8> {
        [&[id][..], &leb(contents.len()), contents].concat()
    }
    let count_bytes = leb(count as usize);
    let each = [leb(body.len()), body.to_vec()].concat();
    let module = [
        b"\0asm\x01\0\0\0".to_vec(),
        section(1, &[1, 0x60, 0, 0]),
        section(3, &[count_bytes.clone(), vec![0; count as usize]].concat()),
        section(10, &[count_bytes, each.repeat(count as usize)].concat()),
    ]
    .concat();
    [b"\0asm\x0d\0\x01\0".to_vec(), section(1, &module)].concat()
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_size() {
    const NOTHING: &[u8] = &[0, 0x0b];
    // 0x7f is i32: one declaration of a million locals.
    const LOCALS: &[u8] = &[1, 0xc0, 0x84, 0x3d, 0x7f, 0x0b];
    let long = [&[0][..], &[1].repeat(3 << 20), &[0x0b]].concat();
    for (what, wasm) in [
        ("functions", functions(100_000, NOTHING)),
        ("locals in one function", functions(1, LOCALS)),
        ("bytes in one function", functions(1, &long)),
        ("bytes", [b"\0asm\x0d\0\x01\0".to_vec(), vec![0; 65 << 20]].concat()),
    ] {
        let why = refusal(&wasm).await;
        assert!(matches!(why, LoadError::TooLarge { what: found, .. } if found == what), "{what}: {why}");
    }
    // The same with fewer is only not an agent.
    assert_eq!(refusal(&functions(1_000, NOTHING)).await, LoadError::NoRun);
}

/// Code of the largest size that is let through, all of it live: minutes of a compiler's time.
fn slow() -> Vec<u8> {
    // global.get would need a global; i32.const, i32.popcnt … drop keeps the compiler from nothing.
    let mut body = vec![1, 1, 0x7f];
    for _ in 0..100_000 {
        body.extend([0x20, 0, 0x41, 3, 0x6c, 0x41, 1, 0x6a, 0x21, 0]);
    }
    body.push(0x0b);
    functions(40, &body)
}

#[tokio::test]
async fn a_bomb_that_is_small_enough_is_stopped_by_the_clock() {
    let began = std::time::Instant::now();
    let compiler = Compiler { seconds: 1, ..compiler() };
    let why = compiler.compile(&slow()).await.err().unwrap();
    assert_eq!(why, LoadError::Slow { seconds: 1 });
    assert!(began.elapsed().as_secs() < 30);
}

#[tokio::test]
async fn a_compiler_is_kept_from_the_machines_memory() {
    let compiler = Compiler { memory: 256 << 20, ..compiler() };
    let why = compiler.compile(&slow()).await.err().unwrap();
    assert!(matches!(why, LoadError::Compiler(_)), "{why}");
}

#[tokio::test]
async fn a_compiler_that_hangs_is_given_up() {
    let hangs = Compiler { patience: 1, ..Compiler::new("/bin/sleep".into(), ["60".into()]) };
    assert_eq!(hangs.compile(b"").await.err().unwrap(), LoadError::Slow { seconds: 1 });
    let missing = Compiler::new("/nowhere/pit".into(), []);
    assert!(matches!(missing.compile(b"").await.err().unwrap(), LoadError::Host(_)));
}
