-- The venue whose funding the rows of a symbol's day were compared with: '' where there was none, null where the set compares
-- none and of days that were stored before this was noted.
ALTER TABLE feature_day_symbols ADD COLUMN second_venue text;
