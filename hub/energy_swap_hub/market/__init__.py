"""The markets of a community as plain functions: orders in, trades and prices out.

`period` clears a period by a uniform-price call auction (`bulk` does it on columns); with
`stages` chosen partners trade before it. `ahead` makes contracts for a future period, and `delivery` settles them
from both meters. `spot` is the continuous book, `auction` the English auction, `fees` turns trades into cents. No
clock, no storage, and nothing of another room is imported here.
"""
