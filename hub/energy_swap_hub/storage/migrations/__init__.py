"""The steps from the first tables to today's; `script/make-migration` writes the next one."""
