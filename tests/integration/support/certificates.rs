//! Certificates that a test makes: somebody who vouches, a server of this machine, a client.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::wait_until;

/// What a new key is, without a password.
const KEY: &str = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";

/// Makes files in a folder: `ca.pem` vouches for `server.pem`, which is for the address 127.0.0.1 and
/// no name, and for `client.pem`. Each has its key beside it, `ca.key` and so on.
pub(crate) fn make_certificates(folder: &Path) {
    // Who vouches in another folder has another name, as strangers have.
    let name = format!("/CN=ca-of-{}", folder.file_name().unwrap().display());
    openssl(folder, &format!("req -x509 {KEY} -days 2 -subj {name} -keyout ca.key -out ca.pem"));
    std::fs::write(folder.join("names"), "subjectAltName=IP:127.0.0.1\n").unwrap();
    std::fs::write(folder.join("nothing"), "basicConstraints=CA:FALSE\n").unwrap();
    sign(folder, "server", "names", 2);
    sign(folder, "client", "nothing", 2);
}

/// Makes `expired.pem` and its key there, too: as the server's, and over.
pub(crate) fn make_expired_certificate(folder: &Path) {
    sign(folder, "expired", "names", 0);
    let made = SystemTime::now();
    // It ends with the second in which it was made.
    wait_until("it is over", || made.elapsed().unwrap() > Duration::from_millis(1_100));
}

fn sign(folder: &Path, name: &str, extensions: &str, days: u32) {
    openssl(folder, &format!("req {KEY} -subj /CN={name} -keyout {name}.key -out {name}.csr"));
    openssl(
        folder,
        &format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} \
             -extfile {extensions} -out {name}.pem"
        ),
    );
}

fn openssl(folder: &Path, line: &str) {
    let output = Command::new("openssl").args(line.split(' ')).current_dir(folder).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
}
