//! Who gives the command.

use std::fs;

/// The name of the operating system's user, from the process's own user id: unlike `$USER` it cannot be set by hand.
pub fn user_name() -> String {
    let uid = fs::read_to_string("/proc/self/status").ok().and_then(|status| real_uid(&status));
    let Some(uid) = uid else { return "unknown user".to_owned() };
    fs::read_to_string("/etc/passwd")
        .ok()
        .and_then(|passwd| name_of(&passwd, &uid))
        .unwrap_or_else(|| format!("uid {uid}"))
}

fn real_uid(status: &str) -> Option<String> {
    let line = status.lines().find_map(|line| line.strip_prefix("Uid:"))?;
    line.split_whitespace().next().map(str::to_owned)
}

fn name_of(passwd: &str, uid: &str) -> Option<String> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_actor_is_the_user_of_this_process() {
        assert_eq!(real_uid("Name:\tx\nUid:\t1000\t0\t0\t0\n").as_deref(), Some("1000"));
        let passwd = "root:x:0:0:root:/root:/bin/sh\nhanako:x:1000:1000::/home/hanako:/bin/sh\n";
        assert_eq!(name_of(passwd, "1000").as_deref(), Some("hanako"));
        assert_eq!(name_of(passwd, "7"), None);
        assert!(!user_name().is_empty());
    }
}
