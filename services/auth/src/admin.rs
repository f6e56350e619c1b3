//! `create-admin`: the only way to create an account with the role admin. It needs access to the database, there is no RPC.

use anyhow::{Context as _, anyhow};
use carshare_chassis::Environment;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::Role;
use carshare_proto::auth::v1::RegisterRequest;
use carshare_proto::codec;
use carshare_store::{Db, Tx};
use serde_json::json;

use crate::audit::{self, AccountHash, AccountHasher, Action, Entry, Origin};
use crate::config::Config;
use crate::domain::{Email, NewUser, Password, PasswordHash, Phone, RecoveryCode, TotpSecret, UserId};
use crate::email_address;
use crate::error::Error;
use crate::mfa;
use crate::passwords::{Passwords, Salts};
use crate::rpc::register::create_account;

/// The account to create.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    pub email: String,
    pub name: String,
    pub phone: String,
    pub password: Password,
    /// Secret of the authenticator app; a random one if there is none.
    pub totp_secret: Option<TotpSecret>,
}

/// A created account with its second factor, which is shown once.
#[derive(Debug)]
pub struct CreatedAdmin {
    pub id: UserId,
    pub email: Email,
    pub totp_secret: TotpSecret,
    pub recovery_codes: Vec<RecoveryCode>,
}

struct Input {
    account: AccountHash,
    origin: Origin,
    new: NewUser,
    hash: PasswordHash,
    secret: TotpSecret,
    recovery: Vec<RecoveryCode>,
    sealer: Sealer,
}

/// Creates the account by the rules of `Register`, with a second factor and a verified address: [`Error::EmailTaken`] if another account has
/// verified it. Errors never contain the password.
pub async fn create_admin(
    config: &Config,
    environment: Environment,
    admin: NewAdmin,
) -> anyhow::Result<CreatedAdmin> {
    let new = parse(&admin)?;
    let random = environment.random.clone();
    let passwords = Passwords::new(&config.passwords)?;
    let db = Db::connect(&config.database, environment.clone())?;
    let secret = admin.totp_secret.unwrap_or_else(|| mfa::new_secret(&random));
    let (email, recovery) = (new.email.clone(), mfa::new_recovery_codes(&random));
    let salt = Salts::new(db.clone()).of(&email).await?;
    let input = Input {
        account: AccountHasher::new(&config.seal)?.hash(&email),
        origin: Origin::without_client(environment.ids.next()),
        new,
        hash: passwords.hash(admin.password, salt).await?,
        secret: secret.clone(),
        recovery: recovery.clone(),
        sealer: Sealer::new(&config.seal, random)?,
    };
    let added = db.transaction("users.create_admin", input, add);
    let id = added.await.context("cannot create the account")?;
    db.close().await;
    Ok(CreatedAdmin {
        id,
        email,
        totp_secret: secret,
        recovery_codes: recovery,
    })
}

async fn add(tx: &Tx, input: &Input) -> Result<UserId, Error> {
    email_address::take(tx, &input.new.email, None).await?;
    let id = create_account(tx, &input.new, &input.hash).await?.id;
    mfa::propose(tx, &input.sealer, id, &input.secret).await?;
    // No code was used yet: the first one of any step is accepted.
    mfa::enable(tx, id, 0, &input.recovery).await?;
    let entry = Entry::success(Action::AdminCreate)
        .account(input.account)
        .user(id);
    let after = json!({"role": input.new.role.as_str()});
    audit::record(tx, &input.origin, &entry.change(json!(null), after)).await?;
    Ok(id)
}

fn parse(admin: &NewAdmin) -> anyhow::Result<NewUser> {
    // Validated by the rules of the contract.
    let as_request = RegisterRequest {
        email: admin.email.clone(),
        password: admin.password.expose().to_owned(),
        name: admin.name.clone(),
        phone: admin.phone.clone(),
        role: carshare_proto::options::v1::Role::Host.into(),
    };
    codec::validate(&as_request)
        .map_err(|status| anyhow!("{:?}", carshare_chassis::Error::from_status(status)))?;
    let email = Email::new(&admin.email);
    admin
        .password
        .check_strength(&email)
        .map_err(|weakness| Error::WeakPassword("password", weakness))?;
    let phone = Phone::parse(&admin.phone).context("the phone number is not a Korean mobile number")?;
    Ok(NewUser {
        email,
        name: admin.name.trim().to_owned(),
        phone,
        role: Role::Admin,
        // The operator vouches for the address.
        is_verified: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admin() -> NewAdmin {
        NewAdmin {
            email: "Ops@Carshare.kr".into(),
            name: "운영팀".into(),
            phone: "010-9999-0000".into(),
            password: Password::new("kopfstein-pflaster"),
            totp_secret: None,
        }
    }

    #[test]
    fn admins_are_validated_like_other_accounts() {
        let new = parse(&admin()).unwrap();
        assert_eq!(
            (new.email.as_str(), new.phone.as_str(), new.role),
            ("ops@carshare.kr", "+821099990000", Role::Admin)
        );
        let wrong = NewAdmin {
            email: "ops".into(),
            phone: "02-1".into(),
            ..admin()
        };
        let error = parse(&wrong).unwrap_err().to_string();
        assert!(error.contains("email") && error.contains("phone"), "{error}");
    }

    #[test]
    fn errors_do_not_contain_the_password() {
        let weak = NewAdmin {
            password: Password::new("password123"),
            ..admin()
        };
        assert_eq!(parse(&weak).unwrap_err().to_string(), "weak password: Common");
        let short = NewAdmin {
            password: Password::new("s3cr3t"),
            ..admin()
        };
        assert!(!format!("{:?}", parse(&short).unwrap_err()).contains("s3cr3t"));
    }
}
