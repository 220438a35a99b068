"""TODO hotline.reporting.schemas"""
