"""What the shop does by itself."""

from datetime import timedelta

from schedules.public import Every, job
from shop.models import Sale


@job(Every(timedelta(seconds=1)), atomic=True, misfire_grace=None)
def sell(article: str = "umbrella") -> dict[str, str]:
    """Sell one article."""
    Sale.objects.create(article=article)
    return {"message": f"sold: {article}"}
