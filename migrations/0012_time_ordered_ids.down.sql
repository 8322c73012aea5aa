drop function time_ordered_id;
