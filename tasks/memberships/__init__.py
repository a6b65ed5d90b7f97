"""Memberships, and the job that notices when they have run out."""
