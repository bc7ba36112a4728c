//! The agents inside `pit`: what the build made of `plugins/`.

/// One agent that comes with the program.
#[derive(Debug)]
pub struct Shipped {
    /// Its name, which is its folder's in `plugins/`.
    pub name: &'static str,
    /// Its `agent.toml`, which its component carries too.
    pub manifest: &'static str,
    /// The component.
    pub component: &'static [u8],
}

include!(concat!(env!("OUT_DIR"), "/agents.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use orchestra_pit_core::{embed, manifest::Manifest};

    #[test]
    fn each_component_carries_its_own_manifest() {
        assert!(AGENTS.iter().any(|agent| agent.name == "hello"));
        for agent in AGENTS {
            assert_eq!(embed::extract(agent.component).unwrap().as_deref(), Some(agent.manifest), "{}", agent.name);
            assert_eq!(Manifest::read(agent.manifest).unwrap().name, agent.name);
        }
    }

    #[test]
    fn the_tester_may_write_tests_and_not_the_code_under_test() {
        let tester = AGENTS.iter().find(|agent| agent.name == "tester").unwrap();
        let write = Manifest::read(tester.manifest).unwrap().asks.write;
        let may = |path: &str| write.iter().any(|glob| glob.matches(path));
        for path in [
            "tests/ls.rs",
            "host/core/tests/data/a.json",
            "src/parser/tests.rs",
            "tests/conftest.py",
            "pkg/test_ls.py",
            "pkg/ls_test.go",
            "pkg/testdata/in.txt",
            "src/ls.test.tsx",
            "src/__tests__/ls.js",
            "spec/ls_spec.rb",
            "src/test/java/a/LsTest.java",
            "src/a/LsIT.java",
            "src/snapshots/ls.snap",
            "test_ls.py",
        ] {
            assert!(may(path), "{path}");
        }
        for path in [
            "src/lib.rs",
            "src/latest.rs",
            "src/testing.rs",
            "src/contest/a.rs",
            "package.json",
            "Cargo.toml",
            "README.md",
            ".github/workflows/test.yml",
            ".github/workflows/test-linux.yml",
            ".github/workflows/unit_test.yml",
            "pit.toml",
            "src/inspect.rs",
        ] {
            assert!(!may(path), "{path}");
        }
    }
}
