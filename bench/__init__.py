"""The programs behind `./run load` and `./run bench`: they start their own servers and measure the
product.
"""
