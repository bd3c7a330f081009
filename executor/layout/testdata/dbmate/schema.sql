CREATE TABLE public.users (id bigint);
