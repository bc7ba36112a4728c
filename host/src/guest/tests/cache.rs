//! What was compiled before is believed only with our MAC (hostile case 29).

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::*;
use text::Parts;

/// No compiler at all: what loads with this came out of the cache.
fn none() -> Compiler {
    Compiler::new("/bin/false".into(), [])
}

async fn load_with(places: &Places, compiler: Compiler, wasm: &[u8]) -> Result<Agent, LoadError> {
    Engine::new(&few(), &pool(2), places, compiler).unwrap().load(wasm).await
}

fn files(places: &Places) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(&places.code).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn two_agents() -> [Vec<u8>; 2] {
    [
        text::binary(&text::agent(&Parts::default())),
        text::binary(&text::agent(&Parts { core: "(func)", ..Parts::default() })),
    ]
}

#[tokio::test]
async fn what_is_compiled_is_compiled_once_and_kept_privately() {
    let (_folder, places) = fresh_places();
    let [wasm, other] = two_agents();
    load_with(&places, compiler(), &wasm).await.unwrap();
    let agent = load_with(&places, none(), &wasm).await.unwrap();
    assert_eq!(agent.run(script(always_done), start()).await, done(""));
    assert!(matches!(load_with(&places, none(), &other).await, Err(LoadError::Compiler(_))));

    assert_eq!((mode(&places.code), mode(&places.key)), (0o700, 0o700));
    let key = places.key.join("compiled-agents.key");
    assert_eq!((mode(&key), fs::read(&key).unwrap().len()), (0o600, 32));
    assert!(files(&places).iter().all(|file| mode(file) == 0o600));
}

#[tokio::test]
async fn an_agent_that_many_load_at_once_is_compiled_once() {
    let (folder, places) = fresh_places();
    let [wasm, _] = two_agents();
    let count = folder.path().join("count");
    let mut counting = compiler();
    counting.args[1] = format!("echo x >> {}; {}", count.display(), counting.args[1].to_str().unwrap()).into();
    let engine = Engine::new(&few(), &pool(2), &places, counting).unwrap();
    let (a, b, c) = tokio::join!(engine.load(&wasm), engine.load(&wasm), engine.load(&wasm));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    assert_eq!(fs::read_to_string(count).unwrap(), "x\n");
}

#[tokio::test]
async fn a_file_that_was_touched_is_deleted_and_compiled_anew() {
    let (_folder, places) = fresh_places();
    let [wasm, _] = two_agents();
    load_with(&places, compiler(), &wasm).await.unwrap();
    let [file] = &files(&places)[..] else { panic!() };
    let whole = fs::read(file).unwrap();

    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    let mut signed_otherwise = whole.clone();
    *signed_otherwise.last_mut().unwrap() ^= 1;
    for bad in [flipped, signed_otherwise, whole[..whole.len() - 1].to_vec(), whole[32..].to_vec(), Vec::new()] {
        fs::write(file, &bad).unwrap();
        assert!(matches!(load_with(&places, none(), &wasm).await, Err(LoadError::Compiler(_))));
        assert!(!file.exists());
        load_with(&places, compiler(), &wasm).await.unwrap();
        load_with(&places, none(), &wasm).await.unwrap();
    }
}

#[tokio::test]
async fn code_under_another_agents_name_or_another_key_is_not_believed() {
    let (_folder, places) = fresh_places();
    let [wasm, other] = two_agents();
    load_with(&places, compiler(), &wasm).await.unwrap();
    let [first] = &files(&places)[..] else { panic!() };
    load_with(&places, compiler(), &other).await.unwrap();
    let all = files(&places);
    let second = all.iter().find(|file| *file != first).unwrap();
    fs::copy(first, second).unwrap();
    assert!(matches!(load_with(&places, none(), &other).await, Err(LoadError::Compiler(_))));
    load_with(&places, none(), &wasm).await.unwrap();

    // The same folder, somebody else's key.
    let (_folder, elsewhere) = fresh_places();
    let mixed = Places { key: elsewhere.key, ..places };
    assert!(matches!(load_with(&mixed, none(), &wasm).await, Err(LoadError::Compiler(_))));
}

#[test]
fn a_folder_that_others_can_enter_is_closed_and_a_key_they_can_read_refused() {
    let (_folder, places) = fresh_places();
    let open = |places: &Places| Engine::new(&few(), &pool(2), places, none());
    fs::create_dir_all(&places.code).unwrap();
    fs::set_permissions(&places.code, fs::Permissions::from_mode(0o777)).unwrap();
    open(&places).unwrap();
    assert_eq!(mode(&places.code), 0o700);

    let key = places.key.join("compiled-agents.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let why = open(&places).err().unwrap().to_string();
    assert!(why.contains("others can read compiled-agents.key"), "{why}");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, "short").unwrap();
    let why = open(&places).err().unwrap().to_string();
    assert!(why.contains("cut short"), "{why}");
    fs::remove_file(&key).unwrap();
    open(&places).unwrap();
}
