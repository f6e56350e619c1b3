-- Apart from the migration that adds them, so that the table is read without a lock that keeps writers out.
ALTER TABLE ledger_transactions VALIDATE CONSTRAINT ledger_kind;
ALTER TABLE ledger_transactions VALIDATE CONSTRAINT ledger_of_settlement;
