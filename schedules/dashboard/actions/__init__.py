"""What a person does: a question that names the consequence, then one verb of `operations`."""
