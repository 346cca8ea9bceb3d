import unittest

from inventory import Inventory


class InventoryTest(unittest.TestCase):
    def setUp(self):
        self.inventory = Inventory()
        self.inventory.add("bolt", 10)

    test_adding_increases_the_count(self):
        self.inventory.add("bolt", 5)
        self.assertEqual(self.inventory.count("bolt"), 15)

    def test_removing_too_many_fails(self):
        with self.assertRaises(ValueError):
            self.inventory.remove("bolt", 11)


if __name__ == "__main__":
    unittest.main()
# output
import unittest

from inventory import Inventory


class InventoryTest(unittest.TestCase):
    def setUp(self):
        self.inventory = Inventory()
        self.inventory.add("bolt", 10)

    def test_adding_increases_the_count(self):
        self.inventory.add("bolt", 5)
        self.assertEqual(self.inventory.count("bolt"), 15)

    def test_removing_too_many_fails(self):
        with self.assertRaises(ValueError):
            self.inventory.remove("bolt", 11)


if __name__ == "__main__":
    unittest.main()
