"""Who belongs to the community: applications, admission by approvers, phones, and who signs in to the console."""
