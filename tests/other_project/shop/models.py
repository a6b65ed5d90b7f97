"""The shop's customers, who log in with their mail address; and what was sold."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.db import models


class CustomerManager(BaseUserManager):
    """Makes customers."""

    def create_user(self, email, password=None, **fields):
        """Make and return a customer."""
        customer = self.model(email=self.normalize_email(email), **fields)
        customer.set_password(password)
        customer.save()
        return customer

    def create_superuser(self, email, password=None, **fields):
        """Make and return somebody who may do everything."""
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class Customer(AbstractBaseUser, PermissionsMixin):
    """Somebody who logs in."""

    email = models.EmailField(unique=True)
    is_staff = models.BooleanField(default=False)
    is_active = models.BooleanField(default=True)

    objects = CustomerManager()

    USERNAME_FIELD = "email"

    def __str__(self) -> str:
        return self.email


class Sale(models.Model):
    """One thing sold."""

    article = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.article
