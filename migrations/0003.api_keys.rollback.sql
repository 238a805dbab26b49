DROP TABLE chatcore.api_key;
