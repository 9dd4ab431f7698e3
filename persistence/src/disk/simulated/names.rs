//! The simulated folders: which names exist, and which of them a power cut would leave.

use std::collections::{BTreeMap, BTreeSet};

use super::random::Random;

/// Stands for a file whatever it is called.
pub(super) type FileId = u64;

/// All names of a disk.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    current: View,
    durable: View,
    /// What happened since the folders were synced, in order.
    pending: Vec<Change>,
}

#[derive(Clone, Debug, Default)]
struct View {
    files: BTreeMap<String, FileId>,
    folders: BTreeSet<String>,
}

#[derive(Clone, Debug)]
enum Change {
    Folder(String),
    Create(String, FileId),
    Rename { from: String, to: String, file: FileId },
    Remove(String),
}

/// The folder that a path lies in; the root is empty.
pub(super) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

impl Names {
    pub(super) fn get(&self, path: &str) -> Option<FileId> {
        self.current.files.get(path).copied()
    }

    pub(super) fn has_folder(&self, folder: &str) -> bool {
        folder.is_empty() || self.current.folders.contains(folder)
    }

    pub(super) fn files(&self) -> impl Iterator<Item = (&str, FileId)> {
        self.current.files.iter().map(|(path, file)| (path.as_str(), *file))
    }

    pub(super) fn add_folder(&mut self, folder: &str) {
        let mut end = 0;
        while end < folder.len() {
            end = folder[end + 1..].find('/').map_or(folder.len(), |at| end + 1 + at);
            let path = folder[..end].to_owned();
            if !self.has_folder(&path) {
                self.change(Change::Folder(path));
            }
        }
    }

    pub(super) fn create(&mut self, path: &str, file: FileId) {
        self.change(Change::Create(path.to_owned(), file));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, file: FileId) {
        self.change(Change::Rename { from: from.to_owned(), to: to.to_owned(), file });
    }

    pub(super) fn remove(&mut self, path: &str) {
        self.change(Change::Remove(path.to_owned()));
    }

    fn change(&mut self, change: Change) {
        self.current.apply(&change);
        self.pending.push(change);
    }

    /// Makes what happened in a folder durable.
    pub(super) fn sync(&mut self, folder: &str) {
        let durable = &mut self.durable;
        self.pending.retain(|change| {
            let stays = change.folder() != folder;
            if !stays {
                durable.apply(change);
            }
            stays
        });
    }

    /// Leaves only what a power cut leaves: all pending changes, the first of them, none, or any.
    pub(super) fn cut(&mut self, random: &mut Random) {
        let pending = std::mem::take(&mut self.pending);
        let kept = random.below(pending.len() as u64 + 1) as usize;
        let in_order = random.one_in(2);
        for (index, change) in pending.iter().enumerate() {
            if if in_order { index < kept } else { random.one_in(2) } {
                self.durable.apply(change);
            }
        }
        let folders = self.durable.folders.clone();
        self.durable.files.retain(|path, _| {
            let folder = folder_of(path);
            folder.is_empty() || folders.contains(folder)
        });
        self.current = self.durable.clone();
    }
}

impl Change {
    fn folder(&self) -> &str {
        match self {
            Self::Folder(path) | Self::Create(path, _) | Self::Remove(path) => folder_of(path),
            Self::Rename { to, .. } => folder_of(to),
        }
    }
}

impl View {
    fn apply(&mut self, change: &Change) {
        match change {
            Change::Folder(path) => {
                self.folders.insert(path.clone());
            }
            Change::Create(path, file) => {
                self.files.insert(path.clone(), *file);
            }
            Change::Rename { from, to, file } => {
                if self.files.get(from) == Some(file) {
                    self.files.remove(from);
                }
                self.files.insert(to.clone(), *file);
            }
            Change::Remove(path) => {
                self.files.remove(path);
            }
        }
    }
}
