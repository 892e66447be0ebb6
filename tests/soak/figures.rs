//! What a process holds: memory and file descriptors, as the kernel counts them.

use std::fs;

/// A look at a process.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Resident memory, in KiB.
    pub rss: u64,
    /// Descriptors of files, pipes, timers and the like.
    pub files: usize,
    /// Descriptors of sockets.
    pub sockets: usize,
}

/// Looks at process `id`.
pub fn look(id: u32) -> Sample {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let rss = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
    // One that was closed between the two looks at it is not held.
    let open = fs::read_dir(format!("/proc/{id}/fd")).unwrap();
    let targets = open.filter_map(|entry| fs::read_link(entry.unwrap().path()).ok());
    let (sockets, files): (Vec<_>, Vec<_>) =
        targets.partition(|target| target.to_string_lossy().starts_with("socket:"));
    Sample { rss, files: files.len(), sockets: sockets.len() }
}

/// The least of each: what it holds when it is about nothing in particular.
pub fn at_rest(samples: &[Sample]) -> Sample {
    let least = |of: fn(&Sample) -> u64| samples.iter().map(of).min().unwrap();
    let count = |of: fn(&Sample) -> usize| samples.iter().map(of).min().unwrap();
    Sample { rss: least(|s| s.rss), files: count(|s| s.files), sockets: count(|s| s.sockets) }
}

/// The median of the resident memory in each third, in KiB.
pub fn thirds(samples: &[Sample]) -> [u64; 3] {
    let third = samples.len() / 3;
    [0, 1, 2].map(|n| {
        let mut rss: Vec<u64> = samples[n * third..(n + 1) * third].iter().map(|s| s.rss).collect();
        rss.sort_unstable();
        rss[rss.len() / 2]
    })
}
