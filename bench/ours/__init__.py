"""What our own side of a comparison runs: settings and jobs beside the product's."""
