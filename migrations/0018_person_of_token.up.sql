-- Whether a token is of a session that began before its person was deleted. A token that does not say when its session began counts
-- as such a one: its refresh could not be told from a new sign-in.
create function session_has_ended(sub_hash bytea, signed_in bigint) returns boolean
language sql stable as $$
    select exists (select from ended_identities where keycloak_id_hash = sub_hash
        and (signed_in is null or signed_in <= floor(extract(epoch from ended_at))))
$$;

-- The person of a token: their row is made, or brought up to what the token says, in one round trip. No row for a session that has
-- ended. Each statement sees what was committed before it (read committed), so a deletion for which the insert waited is seen then.
create function person_of_token(new_id uuid, sub text, sub_hash bytea, signed_in bigint, token_name text, token_email text, verified boolean)
returns table (id uuid, keycloak_id text, name text, email text, email_verified boolean, locale text, time_zone text, channels jsonb,
    created_at timestamptz, made boolean)
language plpgsql as $$
#variable_conflict use_column
begin
    loop
        if session_has_ended(sub_hash, signed_in) then
            return;
        end if;
        insert into users (id, keycloak_id, name, email, email_verified) values (new_id, sub, token_name, token_email, verified)
        on conflict (keycloak_id) do nothing;
        made := found;
        if made and session_has_ended(sub_hash, signed_in) then
            delete from users where id = new_id;
            return;
        end if;
        if not made then
            update users set email = token_email, email_verified = verified, updated_at = now()
            where keycloak_id = sub and (email, email_verified) is distinct from (token_email, verified);
        end if;
        return query select u.id, u.keycloak_id, u.name, u.email, u.email_verified, u.locale, u.time_zone, u.channels, u.created_at, made
            from users u where u.keycloak_id = sub;
        if found then
            return;
        end if;
        -- it was there, and its person was deleted meanwhile
    end loop;
end
$$;
