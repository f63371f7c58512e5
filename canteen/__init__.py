"""The elder canteen: menus, orders, subsidies, the ledger, serving, delivery, settlement."""
