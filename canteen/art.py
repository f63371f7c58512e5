"""Which drawing stands for a dish that has no photo."""

from canteen.models import Dish

ARTS = frozenset(
    {
        "meal-beef",
        "meal-bun",
        "meal-chicken",
        "meal-congee",
        "meal-cup",
        "meal-egg",
        "meal-eggs",
        "meal-fish",
        "meal-greens",
        "meal-noodles",
        "meal-pork",
        "meal-pumpkin",
        "meal-ribs",
        "meal-rice",
        "meal-rolls",
        "meal-shrimp",
        "meal-soup",
        "meal-tofu",
    }
)
"""templates/art/meal-*.svg"""
_BY_SIGN = (
    ("粥羹", "meal-congee"),
    ("汤", "meal-soup"),
    ("面粉丝", "meal-noodles"),
    ("包馒", "meal-bun"),
    ("浆奶", "meal-cup"),
    ("鱼", "meal-fish"),
    ("虾", "meal-shrimp"),
    ("鸡鸭鹅", "meal-chicken"),
    ("牛羊", "meal-beef"),
    ("排骨", "meal-ribs"),
    ("肉", "meal-pork"),
    ("豆腐竹", "meal-tofu"),
    ("蛋", "meal-egg"),
    ("饭", "meal-rice"),
    ("南瓜薯胡红萝卜", "meal-pumpkin"),
)
_WHOLE = {
    "斋肠粉": "meal-rolls",
    "鲜虾肠粉": "meal-rolls",
    "白煮蛋": "meal-eggs",
    "肉末蒸蛋": "meal-egg",
    "虾仁滑蛋": "meal-egg",
    "罗汉斋": "meal-greens",
}
_BY_KIND = {
    "main": "meal-pork",
    "vegetable": "meal-greens",
    "soup": "meal-soup",
    "staple": "meal-rice",
    "breakfast": "meal-congee",
}


def art_of(dish: Dish) -> str:
    """Name of the drawing: the one chosen for it, else what its name or its kind says."""
    if dish.art in ARTS:
        return dish.art
    if dish.name_zh in _WHOLE:
        return _WHOLE[dish.name_zh]
    if dish.kind == "vegetable":
        return "meal-pumpkin" if set("瓜薯萝") & set(dish.name_zh) else "meal-greens"
    found = (art for signs, art in _BY_SIGN if set(signs) & set(dish.name_zh))
    return next(found, _BY_KIND[dish.kind])
