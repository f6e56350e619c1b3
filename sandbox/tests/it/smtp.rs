//! The SMTP server, line by line, and its inbox.

use carshare_sandbox::{Fault, Provider};
use reqwest::Method;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufStream};
use tokio::net::TcpStream;

use crate::client::{Fixture, answer};

struct Smtp(BufStream<TcpStream>);

impl Smtp {
    async fn connect(it: &Fixture) -> Self {
        let socket = TcpStream::connect(it.sandbox.smtp_addr()).await.unwrap();
        let mut smtp = Self(BufStream::new(socket));
        assert_eq!(smtp.reply().await, "220");
        smtp
    }

    /// Returns the code of a reply; empty at the end of the connection.
    async fn reply(&mut self) -> String {
        loop {
            let mut line = String::new();
            self.0.read_line(&mut line).await.unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                return line.chars().take(3).collect();
            }
        }
    }

    async fn send(&mut self, line: &str) -> String {
        self.0.write_all(format!("{line}\r\n").as_bytes()).await.unwrap();
        self.0.flush().await.unwrap();
        self.reply().await
    }

    /// Sends a mail to the address and returns the code of the reply to its data.
    async fn mail(&mut self, to: &str) -> String {
        assert_eq!(self.send("EHLO test").await, "250");
        assert_eq!(self.send("MAIL FROM:<a@carshare.kr> SIZE=10").await, "250");
        assert_eq!(self.send(&format!("RCPT TO:<{to}>")).await, "250");
        assert_eq!(self.send("DATA").await, "354");
        self.send("Subject: Hello\r\n\r\nfirst\r\n..second\r\n.").await
    }
}

#[tokio::test]
async fn accepted_mail_is_in_the_inbox_and_on_its_page() {
    let it = Fixture::new().await;
    let mut smtp = Smtp::connect(&it).await;
    assert_eq!(smtp.mail("minji@example.com").await, "250");
    assert_eq!(smtp.send("QUIT").await, "221");
    let (_, json) = answer(it.request(Method::GET, "/mail/inbox.json?to=Minji@example.com")).await;
    assert_eq!(
        (&json[0]["subject"], &json[0]["text"], &json[0]["from"]),
        (&"Hello".into(), &"first\n.second".into(), &"a@carshare.kr".into())
    );
    let (_, other) = answer(it.request(Method::GET, "/mail/inbox.json?to=x@example.com")).await;
    assert_eq!(other.as_array().map(Vec::len), Some(0));
    let page = it.request(Method::GET, "/mail/inbox").send().await.unwrap();
    assert!(page.text().await.unwrap().contains("first<br>.second"));
}

#[tokio::test]
async fn commands_out_of_sequence_and_malformed_ones_are_refused() {
    let it = Fixture::new().await;
    let mut smtp = Smtp::connect(&it).await;
    let table = [
        ("MAIL FROM:<a@b.kr>", "503"),
        ("EHLO test", "250"),
        ("RCPT TO:<a@b.kr>", "503"),
        ("DATA", "503"),
        ("MAIL a@b.kr", "501"),
        ("MAIL FROM:<>", "250"),
        ("MAIL FROM:<a@b.kr>", "503"),
        ("RCPT TO:<nobody>", "501"),
        ("RCPT TO:<한국>", "501"),
        ("DATA", "503"),
        ("RSET", "250"),
        ("RCPT TO:<a@b.kr>", "503"),
        ("STARTTLS", "502"),
        ("NOOP", "250"),
        ("QUIT", "221"),
    ];
    for (line, code) in table {
        assert_eq!(smtp.send(line).await, code, "{line}");
    }
}

#[tokio::test]
async fn long_line_ends_the_connection_and_large_mail_is_refused() {
    let it = Fixture::new().await;
    let mut smtp = Smtp::connect(&it).await;
    assert_eq!(smtp.send(&"x".repeat(1_000)).await, "");

    let mut smtp = Smtp::connect(&it).await;
    assert_eq!(smtp.send("EHLO test").await, "250");
    assert_eq!(smtp.send("MAIL FROM:<a@b.kr>").await, "250");
    assert_eq!(smtp.send("RCPT TO:<a@b.kr>").await, "250");
    assert_eq!(smtp.send("DATA").await, "354");
    let lines = format!("{}\r\n", "x".repeat(900)).repeat(1_200);
    assert_eq!(smtp.send(&format!("{lines}.")).await, "552");
    assert!(it.sandbox.mails().is_empty());
}

#[tokio::test]
async fn faults_apply_to_mails_by_recipient() {
    let it = Fixture::new().await;
    it.sandbox.inject(Fault::error(Provider::Smtp, "minji", 451));
    it.sandbox.inject(Fault::refuse(Provider::Smtp, "minji"));
    it.sandbox.inject(Fault::lost_reply(Provider::Smtp, "minji"));
    assert_eq!(Smtp::connect(&it).await.mail("sujin@example.com").await, "250");
    for expected in ["451", "", "", "250"] {
        assert_eq!(Smtp::connect(&it).await.mail("minji@example.com").await, expected);
    }
    let minji = it
        .sandbox
        .mails()
        .into_iter()
        .filter(|mail| mail.to.starts_with("minji"));
    assert_eq!(minji.count(), 2);
}
