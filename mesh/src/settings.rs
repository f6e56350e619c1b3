//! Values that a command has from an argument or, without it, as the services have them: from a variable or the file that it names.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use carshare_chassis::config::variable;
use carshare_chassis::service::environment;

pub struct Settings(HashMap<String, String>);

impl Settings {
    pub fn from_environment() -> Self {
        environment().collect()
    }

    /// Returns the argument, else the variable `name`, else the content of the file that `<name>_FILE` names.
    pub fn find(&self, argument: Option<&String>, name: &str) -> Result<Option<String>> {
        match argument {
            Some(value) => Ok(Some(value.clone())),
            None => variable(&self.0, name),
        }
    }

    /// The same of a value that has to be set.
    pub fn get(&self, argument: Option<&String>, name: &str) -> Result<String> {
        let found = self.find(argument, name)?;
        found.with_context(|| format!("{name} is not set, nor is {name}_FILE"))
    }
}

impl FromIterator<(String, String)> for Settings {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(env: I) -> Self {
        Self(env.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn argument_wins_over_the_variable_and_one_of_them_is_required() {
        let settings = Settings::from_iter([("A__URL".to_owned(), "of the variable".to_owned())]);
        let argument = "of the argument".to_owned();
        assert_eq!(settings.get(Some(&argument), "A__URL").unwrap(), argument);
        assert_eq!(settings.get(None, "A__URL").unwrap(), "of the variable");
        assert_eq!(settings.find(None, "B__URL").unwrap(), None);
        let refused = settings.get(None, "B__URL").unwrap_err().to_string();
        assert_eq!(refused, "B__URL is not set, nor is B__URL_FILE");
    }
}
