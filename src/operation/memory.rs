//! How much memory this process has, and how much it may have.

use std::fs;
use std::path::Path;

/// What may be had: the least of the machine's memory and the limits of the control groups that
/// the process is in. Read once, at the start.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// In bytes, where the operating system tells it.
    pub limit_bytes: Option<u64>,
}

/// What is in use, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory of the process's own: states, caches, buffers.
    pub anonymous: u64,
    /// Pages of files: the program itself and what it maps.
    pub file: u64,
    /// Shared memory.
    pub shared: u64,
}

impl Usage {
    /// All of it.
    pub fn resident(self) -> u64 {
        self.anonymous + self.file + self.shared
    }
}

impl Memory {
    /// Of this process.
    pub fn of_this_process() -> Self {
        let machine = fs::read_to_string("/proc/meminfo").ok();
        let machine = machine.and_then(|text| kibibytes(&text, "MemTotal:"));
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let limit = group_limits(&groups, Path::new("/sys/fs/cgroup"));
        Self { limit_bytes: limit.into_iter().chain(machine).min() }
    }

    /// What is in use now, where the operating system tells it.
    pub fn usage(&self) -> Option<Usage> {
        let text = fs::read_to_string("/proc/self/status").ok()?;
        let of = |name| kibibytes(&text, name).unwrap_or(0);
        kibibytes(&text, "RssAnon:").map(|anonymous| Usage {
            anonymous,
            file: of("RssFile:"),
            shared: of("RssShmem:"),
        })
    }
}

/// A line `name 123 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let number: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    number.checked_mul(1024)
}

/// The limits of the groups that a process is in and of all above them, of both versions of control
/// groups (Linux kernel documentation, admin-guide/cgroup-v2, cgroup-v1/memory).
fn group_limits(groups: &str, root: &Path) -> Vec<u64> {
    let mut limits = Vec::new();
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':');
        let (Some(_), Some(controllers), Some(path)) =
            (fields.next(), fields.next(), fields.next())
        else {
            continue;
        };
        let (root, name) = match controllers {
            "" => (root.to_owned(), "memory.max"),
            known if known.split(',').any(|name| name == "memory") => {
                (root.join("memory"), "memory.limit_in_bytes")
            }
            _ => continue,
        };
        let path = path.trim_start_matches('/');
        // In a container the path may be that of outside; the root is then the group itself.
        let folders = Path::new(path).ancestors().map(|folder| root.join(folder));
        for folder in folders {
            let text = fs::read_to_string(folder.join(name)).unwrap_or_default();
            // `max` is no number, and the older version says "without" with a huge one.
            limits.extend(text.trim().parse::<u64>().ok().filter(|&limit| limit < 1 << 60));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_limit_of_all_groups_counts() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("system.slice/redeemd.service/memory.max", "max\n");
        put("system.slice/memory.max", "1048576\n");
        put("memory/box/memory.limit_in_bytes", "9223372036854771712\n");
        let found = group_limits("0::/system.slice/redeemd.service\n", root.path());
        assert_eq!(found, [1_048_576]);
        assert!(group_limits("4:cpu,memory:/box\n1:name=x:/y\n", root.path()).is_empty());
        assert!(group_limits("nonsense\n", root.path()).is_empty());
    }

    #[test]
    fn this_process_uses_memory() {
        let memory = Memory::of_this_process();
        let usage = memory.usage().unwrap();
        assert!(usage.anonymous > 0 && usage.resident() < memory.limit_bytes.unwrap());
    }
}
