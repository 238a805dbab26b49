DROP INDEX chatcore.model_call_day;
ALTER TABLE chatcore.turn
    DROP COLUMN prompt_tokens,
    DROP COLUMN reserved,
    DROP COLUMN budget_day;
DROP TABLE chatcore.token_day;
DROP TABLE chatcore.rate_bucket;
