-- CASCADE takes the functions along, which are made anew after every migration.
DROP SCHEMA chatcore CASCADE;
